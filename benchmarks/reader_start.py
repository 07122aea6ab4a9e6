"""Start a function's code and print what that costs; runs as a script in a new interpreter.

Takes the folder of the code, the module to start with, the modules to import before (comma-separated, or "") and the
folder of installed packages. Prints JSON: nanoseconds of wall clock and CPU, newly allocated blocks, and how many
variables the handler found correctly.
"""

import gc
import sys
import time

folder, module, before, packages = sys.argv[1:]
sys.path.append(packages)
for name in filter(None, before.split(",")):
    __import__(name)
sys.path.insert(0, folder)
gc.collect()
blocks, cpu, wall = sys.getallocatedblocks(), time.process_time_ns(), time.perf_counter_ns()
started = __import__(module)
wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
blocks = sys.getallocatedblocks() - blocks

import json  # noqa: E402 - after the measurement, so that it is not preloaded

found = started.handler(None, None)
with open(f"{folder}/expected.json") as file:
    right = sum(found.get(name) == value for name, value in json.load(file).items())
print(json.dumps({"wall_ns": wall, "cpu_ns": cpu, "memory": blocks, "right": right}))

"""Starts a function's code and tells what that cost; runs as a script of a fresh interpreter.

In: the folder of the code, the module to start with, what to import before (module names, comma-separated, or "") and
the folder of installed packages. Out: JSON: nanoseconds of wall clock and CPU, allocated blocks that are new, and how
many variables the handler found as they should be.
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

import json  # noqa: E402 - only now, so that it is not there before

found = started.handler(None, None)
with open(f"{folder}/expected.json") as file:
    right = sum(found.get(name) == value for name, value in json.load(file).items())
print(json.dumps({"wall_ns": wall, "cpu_ns": cpu, "memory": blocks, "right": right}))

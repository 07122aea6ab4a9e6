"""Serve events with the provider of a folder, and print what that costs; runs as a script in a new interpreter.

Takes the folder. Prints JSON, seconds of wall clock and CPU: a line for the INIT phase, which is the import of the
handler, and one for each event on standard input.
"""

import io
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module

sys.path.insert(0, sys.argv[1])
printed, sys.stdout = sys.stdout, io.StringIO()  # where the provider logs


class Context:
    """The attributes of Lambda's context object that the provider reads."""

    log_stream_name = "2026/01/01/[$LATEST]0123456789"
    aws_request_id = "lambda-request"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def measured(run: Callable[[], object]) -> None:
    cpu, wall = time.process_time(), time.perf_counter()
    run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"wall_s": wall, "cpu_s": cpu}), file=printed, flush=True)


measured(partial(import_module, "cfn_injector.aws_lambda"))
handler = sys.modules["cfn_injector.aws_lambda"].handler
for line in sys.stdin:
    measured(partial(handler, json.loads(line), Context()))

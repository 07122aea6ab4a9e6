"""The environment of a handler's process, and what Lambda knows of its function.

Takes a function's configuration, as GetFunction describes it, and this process's environment. Returns the environment
that Lambda would give to the function's runtime, with the caller's credentials in place of the role's.

Of this process's environment, it holds only what programs and AWS's SDKs need: any other variable would override the
``.env`` file of the function, whose readers let the environment win.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cfn_injector.env_properties import LOADER_VARIABLES, RESERVED_VARIABLES

LONGEST_TIMEOUT = 900
"""In seconds: https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html"""

_TASK_ROOT = "/var/task/"
_INHERITED = frozenset(
    (
        *("PATH", "LD_LIBRARY_PATH", "HOME", "USER", "LOGNAME", "SYSTEMROOT"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    )
)
_AWS, _OF_LAMBDA = "AWS_", "AWS_LAMBDA_"


@dataclass(frozen=True)
class Function:
    """``variables`` are those in the configuration; values are secrets. ``timeout`` is in seconds."""

    name: str
    handler: str
    runtime: str
    arn: str
    version: str = "$LATEST"
    memory: int = 128
    timeout: int = LONGEST_TIMEOUT
    log_group: str = ""
    log_format: str = "Text"
    layers: int = 0
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]


def function_of(configuration: Mapping[str, Any], handler: str, runtime: str) -> Function:
    """A deployed function. ``handler`` and ``runtime``, if they are not empty, replace those in the configuration."""
    logging = configuration.get("LoggingConfig", {})
    name = str(configuration["FunctionName"])
    return Function(
        name=name,
        handler=handler or str(configuration.get("Handler", "")),
        runtime=runtime or str(configuration.get("Runtime", "")),
        arn=str(configuration["FunctionArn"]),
        version=str(configuration.get("Version", "$LATEST")),
        memory=int(configuration.get("MemorySize", 128)),
        timeout=int(configuration.get("Timeout", 3)),
        log_group=str(logging.get("LogGroup", "")),
        log_format=str(logging.get("LogFormat", "Text")),
        layers=len(configuration.get("Layers", ())),
        variables=configuration.get("Environment", {}).get("Variables", {}),
    )


def function_in_archive(name: str, handler: str, runtime: str, region: str) -> Function:
    """The function of an archive that is not deployed: of no account, with Lambda's longest timeout."""
    return Function(name, handler, runtime, f"arn:aws:lambda:{region}:000000000000:function:{name}")


def left_out(function: Function, allow: Collection[str]) -> list[str]:
    """Variables of the configuration that are not set: reserved names, and those that load code without ``allow``."""
    return sorted(function.variables.keys() & (RESERVED_VARIABLES | (LOADER_VARIABLES - set(allow))))


def _inherited(environ: Mapping[str, str], env: Collection[str]) -> Iterator[tuple[str, str]]:
    """What a program needs of this process's environment. ``env`` are the names in the ``.env`` file, which wins."""
    for name, value in environ.items():
        is_needed = name.upper() in _INHERITED or (name.startswith(_AWS) and not name.startswith(_OF_LAMBDA))
        if is_needed and (name not in env or name in RESERVED_VARIABLES | LOADER_VARIABLES):
            yield name, value


def environment(
    function: Function, environ: Mapping[str, str], env: Collection[str], allow: Collection[str], folder: Path
) -> dict[str, str]:
    """The variables of the process. ``folder`` has the function's files in ``task``, and an empty folder ``tmp``."""
    refused = left_out(function, allow)
    task = str(folder / "task")
    return {
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        **dict(_inherited(environ, env)),
        **{name: value for name, value in function.variables.items() if name not in refused},
        "_HANDLER": function.handler,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": function.log_format,
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group or f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "AWS_REGION": function.region,
        "LAMBDA_RUNTIME_DIR": str(Path(__file__).parent),
        "LAMBDA_TASK_ROOT": task,
        "NODE_PATH": task,
        "TMPDIR": str(folder / "tmp"),
    }


def wrapper_of(exec_wrapper: str, task: Path) -> Path | None:
    """The program that AWS_LAMBDA_EXEC_WRAPPER names, if it is one of the function's own files."""
    return task / exec_wrapper.removeprefix(_TASK_ROOT) if exec_wrapper.startswith(_TASK_ROOT) else None

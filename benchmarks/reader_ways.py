"""The ways in which a function can get its variables, as folders of code that could be deployed.

``build`` takes the number of variables. It writes a folder with the file of variables, the files that the provider
adds, a handler for each way, and the packages that the handlers import. Each handler returns the variables that it
found.
"""

from __future__ import annotations

import compileall
import json
import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from cfn_injector.env_file import merge, quote
from cfn_injector.env_loader import desired

BARE, FLOOR = "environment", "split"
"""No work, because the environment already holds the variables; and the least work that reads a file."""

FETCHING = ("DynamoDB", "SSM")
TABLE, KEY, PARAMETER = "configuration", {"stage": {"S": "prod"}}, "/prod/configuration"
"""Where the services store the variables, as JSON; in the item, they are in ``variables``."""

_ROOT = Path(__file__).parents[1]
NPM_DOTENV = _ROOT / "tests" / "node" / "node_modules" / "dotenv"
"""Where npm installs the package for the tests; it may be missing."""

_SERVICES = ("ORDERS", "USERS", "PAYMENTS", "INVOICES", "SHIPPING", "CATALOG", "SEARCH", "EMAIL", "REPORTS", "AUDIT")
_KINDS = {
    "TABLE": "prod-{0}",
    "TOPIC_ARN": "arn:aws:sns:us-east-1:111122223333:prod-{0}-events",
    "QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/111122223333/prod-{0}",
    "ENDPOINT": "https://{0}.example.com/v1",
    "FUNCTION_ARN": "arn:aws:lambda:us-east-1:111122223333:function:prod-{0}:live",
    "SECRET_ARN": "arn:aws:secretsmanager:us-east-1:111122223333:secret:prod/{0}/db-AbCdEf",
    "ENABLED": "true",
    "TIMEOUT_SECONDS": "30",
    "LOG_LEVEL": "info",
    "TITLE": "The shop's {0}",
}


class Way(NamedTuple):
    """``start`` is what is imported first: a Python module or a Node.js file. ``code`` is written to ``file``.

    ``file`` is empty for the loader, which the provider writes itself.
    """

    start: str
    file: str = ""
    code: str = ""


_PYTHON = {
    BARE: "import os\n\nvariables = os.environ",
    FLOOR: """import os

with open(os.environ["LAMBDA_TASK_ROOT"] + "/.env") as file:
    os.environ.update(line.split("=", 1) for line in file.read().splitlines())
variables = os.environ""",
    "load": "import os\n\nfrom wrapper import load\n\nload()\nvariables = os.environ",
    "load, whole grammar": 'import os\n\nfrom wrapper import load\n\nload("grammar.env")\nvariables = os.environ',
    "get_env": "from wrapper import get_env\n\nvariables = get_env()",
    "dotenv": """import os

from dotenv import load_dotenv

load_dotenv(os.environ["LAMBDA_TASK_ROOT"] + "/.env")
variables = os.environ""",
    "DynamoDB": f"""import json

import boto3

item = boto3.client("dynamodb").get_item(TableName="{TABLE}", Key={KEY})["Item"]
variables = json.loads(item["variables"]["S"])""",
    "SSM": f"""import json

import boto3

answer = boto3.client("ssm").get_parameter(Name="{PARAMETER}")
variables = json.loads(answer["Parameter"]["Value"])""",
}
_NODE = {
    BARE: "const variables = process.env;",
    FLOOR: """const { readFileSync } = require("fs");

for (const line of readFileSync(`${process.env.LAMBDA_TASK_ROOT}/.env`, "utf8").split("\\n")) {
  const equals = line.indexOf("=");
  if (equals > 0) process.env[line.slice(0, equals)] = line.slice(equals + 1);
}
const variables = process.env;""",
    "load": 'require("cfn-injector-reader").load();\n\nconst variables = process.env;',
    "load, by path": """require("./node_modules/cfn-injector-reader/index.cjs").load();

const variables = process.env;""",
    "getEnv": 'const variables = require("cfn-injector-reader").getEnv();',
    "dotenv": """require("dotenv").config({ path: `${process.env.LAMBDA_TASK_ROOT}/.env`, quiet: true });

const variables = process.env;""",
    "loadEnvFile": """process.loadEnvFile(`${process.env.LAMBDA_TASK_ROOT}/.env`);

const variables = process.env;""",
}


def _ways() -> dict[str, dict[str, Way]]:
    python = {"EnvLoader": Way("_cfn_injector")}
    for number, (name, code) in enumerate(_PYTHON.items()):
        code += "\n\n\ndef handler(event, context):\n    return variables\n"
        python[name] = Way(f"handler_{number}", f"handler_{number}.py", code)
    node = {"EnvLoader": Way("_cfn_injector/index.mjs")}
    for number, (name, code) in enumerate(_NODE.items()):
        file = f"handler_{number}.cjs"
        node[name] = Way(file, file, f'"use strict";\n\n{code}\n\nexports.handler = () => variables;\n')
    return {"python": python, "nodejs": node}


WAYS = _ways()


def variables(count: int) -> dict[str, str]:
    """``count`` typical variables, up to 1,000; every tenth value needs quotes."""
    found = {}
    for number in range(count):
        service, kind = _SERVICES[number // 10 % 10], list(_KINDS)[number % 10]
        name = f"{service}_{kind}" if number < 100 else f"{service}_{number // 100}_{kind}"
        found[name] = _KINDS[kind].format(name.removesuffix(f"_{kind}").lower().replace("_", "-"))
    return found


def exact(way: str, found: Mapping[str, str]) -> int:
    """How many of the variables the way reads exactly: the floor does not remove quotes."""
    return sum(value == quote(value) for value in found.values()) if way == FLOOR else len(found)


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{name} is not installed: install the extra `test`")
    return Path(spec.origin).parent


def build(folder: Path, runtime: str, count: int, *, bytecode: bool = False) -> None:
    """Write the files that a function of ``runtime`` would be deployed with, and the variables as ``expected.json``.

    With ``bytecode``, everything is compiled, also the loader, as if the provider's zip had it for this Python.
    """
    found = variables(count)
    folder.mkdir(parents=True)
    file = merge(b"", found)
    (folder / ".env").write_bytes(file)
    (folder / "grammar.env").write_bytes(b"export " + file)
    (folder / "expected.json").write_text(json.dumps(found))
    for way in WAYS[runtime].values():
        if way.file:
            (folder / way.file).write_text(way.code)
    without_cache = shutil.ignore_patterns("__pycache__", "node")
    if runtime == "python":
        shutil.copytree(_ROOT / "wrapper", folder / "wrapper", ignore=without_cache)
        shutil.copytree(_package("dotenv"), folder / "dotenv", ignore=without_cache)
    else:
        shutil.copytree(_ROOT / "wrapper" / "node", folder / "node_modules" / "cfn-injector-reader")
        if NPM_DOTENV.exists():
            shutil.copytree(NPM_DOTENV, folder / "node_modules" / "dotenv")
    handler = WAYS[runtime][BARE].start.partition(".")[0] + ".handler"
    loader = desired({"EnvLoader": "handler", "Runtime": runtime, "Handler": handler})
    assert loader is not None
    for added in loader.files(found):
        (folder / added.name).parent.mkdir(exist_ok=True)
        (folder / added.name).write_bytes(added.data)
    if bytecode:
        compileall.compile_dir(folder, quiet=2)

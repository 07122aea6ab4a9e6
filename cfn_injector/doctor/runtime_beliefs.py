"""Beliefs about Lambda's managed runtimes: the loaders fill the environment in each of them.

Python, Node.js and Ruby run code that returns a variable. Java and .NET would need compiled code, so a variable makes
their virtual machine write to the log: nothing there is unknown, not wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cfn_injector.doctor import functions
from cfn_injector.doctor.beliefs import Answer, compare, judge, unknown
from cfn_injector.doctor.cleanup import explained
from cfn_injector.doctor.session import Session
from cfn_injector.env_loader import desired, started
from cfn_injector.injection import BytesSource, inject


class Language(NamedTuple):
    """``file`` holds ``source``. ``shows`` is empty, or what is in the log if the variable in ``env`` was set."""

    runtimes: tuple[str, ...]
    loaders: tuple[str, ...]
    handler: str
    file: str
    source: str
    env: dict[str, str]
    shows: bytes = b""


# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
LANGUAGES = (
    Language(
        ("python3.10", "python3.11", "python3.12", "python3.13", "python3.14"),
        ("handler", "exec"),
        "index.handler",
        "index.py",
        'import os\n\ndef handler(event, context):\n    return {"value": os.environ.get("DOCTOR")}\n',
        {"DOCTOR": "loaded"},
    ),
    Language(
        ("nodejs20.x", "nodejs22.x", "nodejs24.x"),
        ("handler", "exec"),
        "index.handler",
        "index.mjs",
        "export const handler = async () => ({ value: process.env.DOCTOR })\n",
        {"DOCTOR": "loaded"},
    ),
    Language(
        ("ruby3.2", "ruby3.3", "ruby3.4"),
        ("exec",),
        "index.handler",
        "index.rb",
        'def handler(event:, context:)\n  { "value" => ENV["DOCTOR"] }\nend\n',
        {"DOCTOR": "loaded"},
    ),
    # The JVM says which options it picked up.
    Language(
        ("java8.al2", "java11", "java17", "java21", "java25"),
        ("exec",),
        "missing.Handler::handle",
        "readme.txt",
        "",
        {"JAVA_TOOL_OPTIONS": "-Ddoctor=loaded"},
        b"-Ddoctor=loaded",
    ),
    # https://github.com/dotnet/runtime/blob/main/docs/design/features/host-tracing.md
    Language(
        ("dotnet8", "dotnet10"),
        ("exec",),
        "missing::missing.Handler::Handle",
        "readme.txt",
        "",
        {"COREHOST_TRACE": "1"},
        b"hostfxr",
    ),
)
FUNCTIONS = sum(len(each.runtimes) * len(each.loaders) for each in LANGUAGES)


def _observe(session: Session, language: Language, runtime: str, kind: str, question: str) -> Answer:
    properties = {"Runtime": runtime, "Handler": language.handler, "EnvLoader": kind, "Env": language.env}
    target = functions.Memory()
    archive = functions.zipped({language.file: language.source})
    inject(BytesSource(archive), target, language.env, loader=desired(properties))
    configured = started(properties)
    environment = {"Environment": configured["Environment"]} if "Environment" in configured else {}
    label = f"{runtime.replace('.', '-')}-{kind}"
    made = functions.make(
        session, label, target.data, Runtime=runtime, Handler=configured["Handler"], MemorySize=512, **environment
    )
    answer = functions.invoke(session, made["FunctionName"])
    if language.shows:
        if language.shows in answer.log:
            return judge(question, "loaded", "loaded", right=True)
        error = (answer.payload or {}).get("errorType", "no error")
        return unknown(question, "loaded", f"the log does not show the variable; {error}")
    if answer.error:
        return judge(question, "loaded", f"{answer.error}: {answer.payload}", right=False)
    if answer.payload is None:
        return unknown(question, "loaded", "the function was not run")
    return compare(question, "loaded", str(answer.payload.get("value")))


def check_runtimes(session: Session) -> Iterator[Answer]:
    for language in LANGUAGES:
        for runtime in language.runtimes:
            for kind in language.loaders:
                question = f"{kind} in {runtime}"
                try:
                    yield _observe(session, language, runtime, kind, question)
                except Exception as error:  # the account or the Region may lack this runtime
                    yield unknown(question, "loaded", explained(error))

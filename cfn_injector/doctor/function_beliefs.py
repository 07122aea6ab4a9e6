"""Beliefs about Lambda's functions: publishing, failing, resetting, unpacking."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from cfn_injector.doctor import functions
from cfn_injector.doctor.beliefs import Answer, compare, judge, unknown
from cfn_injector.doctor.cleanup import explained
from cfn_injector.doctor.session import Session
from cfn_injector.errors import InjectorError
from cfn_injector.injection import BytesSource, inject
from cfn_injector.resources.lambda_function import api
from cfn_injector.resources.lambda_function.changes import RESETS

SNAPSTART_SECONDS = 600.0

_FAILING = "raise RuntimeError('this function fails on purpose')\n\n\ndef handler(event, context):\n    return {}\n"

# Tells the modes of two files, and what the file of variables holds.
_LOOKS = """
import os

def handler(event, context):
    names = (".env", "bin/tool")
    modes = {name: oct(os.stat(name).st_mode & 0o777) for name in names}
    return {**modes, "env": open(".env").read().strip()}
"""
_PREFIX = b"#!/bin/sh\nexit 0\n"


def _settled(session: Session, name: str, version: str) -> dict[str, Any]:
    """The configuration of a version that is Active or Failed."""

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = session.client("lambda").get_function_configuration(
            FunctionName=name, Qualifier=version
        )
        return found if found.get("State") in ("Active", "Failed") else None

    return session.within(SNAPSTART_SECONDS).wait_for(f"version {version} of function {name}", look)


def check_inactive(session: Session) -> Iterator[Answer]:
    name, client = session.inactive_function, session.client("lambda")
    question, expected = "publishing a version of an Inactive function", "Active"
    reason = "a function becomes Inactive after weeks without a call; give --inactive-function NAME"
    found = client.get_function_configuration(FunctionName=name) if name else {}
    if found.get("State") != "Inactive":
        yield unknown(question, expected, f"function {name} is {found['State']}" if found else reason)
        return
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    before = {each["Version"] for page in pages for each in page["Versions"]}
    version = client.publish_version(FunctionName=name)["Version"]
    if version in before:  # it is not ours to delete
        yield unknown(question, expected, f"function {name} has not changed since its version {version}")
        return
    session.removals.add(
        f"version {version} of function {name}",
        lambda: client.delete_function(FunctionName=name, Qualifier=version),
    )
    yield compare(question, expected, _settled(session, name, version)["State"])


def check_failed(session: Session) -> Iterator[Answer]:
    name = functions.make(
        session, "failing", functions.zipped({"index.py": _FAILING}), SnapStart={"ApplyOn": "PublishedVersions"}
    )["FunctionName"]
    question, expected = "a version whose SnapStart fails", "State Failed; LastUpdateStatus Failed or Successful"
    version = session.client("lambda").publish_version(FunctionName=name)["Version"]
    found = _settled(session, name, version)
    last = found.get("LastUpdateStatus", "missing")
    observed = f"State {found['State']}; LastUpdateStatus {last}"
    if found["State"] == "Failed":
        yield judge(question, expected, observed, right=last in ("Failed", "Successful"))
    else:
        yield unknown(question, expected, f"no failure could be provoked: {observed}")


def check_resets(session: Session) -> Iterator[Answer]:
    client = session.client("lambda")
    name = functions.plain(session, "resets", Environment={"Variables": {"NAME": "value"}})["FunctionName"]
    for each in [{key: value} for key, value in RESETS.items()] + [RESETS]:
        question = next(iter(each)) if len(each) == 1 else "all of them at once"
        try:
            api.update(client, name, session.within(), configuration=each)
        except (ClientError, InjectorError) as error:
            yield compare(question, "accepted", explained(error))
        else:
            yield compare(question, "accepted", "accepted")


def check_unpacking(session: Session) -> Iterator[Answer]:
    files = {"index.py": _LOOKS, ".env": "OLD=1\n", "bin/tool": "#!/bin/sh\n"}
    archive = functions.zipped(files, _PREFIX, {"bin/tool": 0o755})
    target = functions.Memory()
    planned = inject(BytesSource(archive), target, {"NAME": "value"}).code_sha256
    made = functions.make(session, "prefixed", target.data)
    observed = "as planned" if made["CodeSha256"] == planned else f"{made['CodeSha256']}, not {planned}"
    yield compare("CodeSha256 of an archive behind a prefix", "as planned", observed)
    answer = functions.invoke(session, made["FunctionName"])
    if answer.error:
        yield judge("its files", "unpacked", f"{answer.error}: {answer.payload}", right=False)
        return
    found = {key: str(value) for key, value in answer.payload.items()}
    yield compare("its injected .env", "OLD=1 NAME=value", " ".join(found["env"].split()))
    yield compare("the mode of its .env", "0o644", found[".env"])
    yield compare("the mode of its executable", "0o755", found["bin/tool"])

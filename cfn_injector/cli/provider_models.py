"""Cuts botocore's data to what the provider's zip needs.

Takes the files of the zip, and the services that the resource types call. Returns the files of botocore's data, without
the services, operations, shapes and documentation that nothing in the zip uses. The provider parses these files each
time it starts: the whole ones take 70 ms of CPU time, and what is left takes 8.

An operation stays if a Python file of the zip has its name, as the API spells it (``GetObject``) or as a client does
(``get_object``): what has no name in the code is not called. A package with resource types of its own can make names at
run time, so the services that it calls keep all of their operations.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from gzip import decompress
from typing import Any

DATA = "botocore/data/"
ENDPOINTS = f"{DATA}endpoints.json"
NOTE = {"note": "shortened by cfn-injector build-provider"}
"""botocore's license asks to mark files that were changed."""

_WORD = re.compile(r"\w+")
_UNREAD = frozenset({"documentation", "documentationUrl"})

Model = Mapping[str, Any]


def is_model(name: str) -> bool:
    """Whether a file of this name describes one service."""
    return name.startswith(DATA) and name.count("/") > 2


def needed(names: Iterable[str], services: Iterable[str]) -> set[str]:
    """The names of the files with the latest API version of each service, without examples."""
    found: set[str] = set()
    names = list(names)
    for service in services:
        prefix = f"{DATA}{service}/"
        versions = {name.split("/")[3] for name in names if name.startswith(prefix)}
        latest = f"{prefix}{max(versions, default='')}/"
        found.update(name for name in names if name.startswith(latest) and "/examples-" not in name)
    return found


def _without_documentation(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: item for name, item in value.items() if name not in _UNREAD or not isinstance(item, str)}
        return {name: _without_documentation(item) for name, item in kept.items()}
    return [_without_documentation(item) for item in value] if isinstance(value, list) else value


def _shapes_in(value: Any) -> Iterator[str]:
    """The names of the shapes that a part of a model refers to."""
    if isinstance(value, dict):
        if isinstance(value.get("shape"), str):
            yield value["shape"]
        for item in value.values():
            yield from _shapes_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _shapes_in(item)


def _reachable(shapes: Model, start: Iterable[str]) -> set[str]:
    found, waiting = set[str](), list(start)
    while waiting:
        name = waiting.pop()
        if name in shapes and name not in found:
            found.add(name)
            waiting += _shapes_in(shapes[name])
    return found


def _cut(model: Model, words: Collection[str] | None) -> Model:
    """The model of a service, with the operations that ``words`` name; with all if it is None."""
    from botocore import xform_name

    operations = {
        name: operation
        for name, operation in model["operations"].items()
        if words is None or name in words or xform_name(name) in words
    }
    errors = [name for name, shape in model["shapes"].items() if shape.get("exception")]
    kept = _reachable(model["shapes"], [*_shapes_in(operations), *errors])
    shapes = {name: shape for name, shape in model["shapes"].items() if name in kept}
    # botocore needs the documentation of other parts, such as clientContextParams.
    parts = {"operations": operations, "shapes": shapes}
    return {**model, **{name: _without_documentation(part) for name, part in parts.items()}}


def _cut_endpoints(endpoints: Model, services: Collection[str]) -> Model:
    partitions = [
        {**each, "services": {name: value for name, value in each["services"].items() if name in services}}
        for each in endpoints["partitions"]
    ]
    return {**endpoints, "partitions": partitions}


def _encoded(document: Model) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _parsed(name: str, body: bytes) -> Any:
    return json.loads(decompress(body) if name.endswith(".gz") else body)


def cut(files: Mapping[str, bytes], whole: Collection[str]) -> dict[str, bytes]:
    """The files, with botocore's data cut. ``whole`` are the services that keep all operations.

    Files that were compressed are not compressed any more, so that the provider does not decompress them at each start.
    The zip itself is compressed.
    """
    words = {word for name, body in files.items() if name.endswith(".py") for word in _WORD.findall(body.decode())}
    result = {name: body for name, body in files.items() if not (is_model(name) and name.endswith(".gz"))}
    prefixes = set[str]()
    for name in files.keys() - result.keys():
        service, document = name.split("/")[2], _parsed(name, files[name])
        if "operations" in document:
            prefixes |= {service, document["metadata"]["endpointPrefix"]}
            document = {**NOTE, **_cut(document, None if service in whole else words)}
        result[name.removesuffix(".gz")] = _encoded(document)
    if ENDPOINTS in files:
        result[ENDPOINTS] = _encoded({**NOTE, **_cut_endpoints(_parsed(ENDPOINTS, files[ENDPOINTS]), prefixes)})
    return dict(sorted(result.items()))

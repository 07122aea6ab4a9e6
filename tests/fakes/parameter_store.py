"""A fake of Parameter Store behind botocore's own client: parameters with versions, types and keys of KMS."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSResponse

from tests.fakes.aws_lambda import ACCOUNT, REGION, Clock, Fault, Wire, client_for
from tests.fakes.json_rpc import serve

PAGE = 10
LONGEST = 2048
_NAME = re.compile(r"(?:/?[A-Za-z0-9_.-]+)(?:/[A-Za-z0-9_.-]+)*")


@dataclass
class Parameter:
    """``values`` are those of the versions 1, 2, ..., ``labels`` the numbers of versions by label."""

    type: str
    values: list[str]
    changed: float
    key: str = "alias/aws/ssm"
    labels: dict[str, int] = field(default_factory=dict)


class FakeParameterStore:
    """``denied`` are the beginnings of paths that the caller may not read, ``keys`` the KMS keys that it may use."""

    STATE = ("parameters",)

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.parameters: dict[str, Parameter] = {}
        self.denied: set[str] = set()
        self.keys = {"alias/aws/ssm"}
        self.wire, self.attempts = Wire(), 1
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def put(self, name: str, value: str, kind: str = "String", key: str = "alias/aws/ssm") -> None:
        """A new version, or a new parameter."""
        known = self.parameters.get(name)
        values = [*known.values, value] if known else [value]
        self.parameters[name] = Parameter(kind, values, self.clock.now(), key, dict(known.labels) if known else {})

    def client(self, region: str = REGION) -> Any:
        return client_for("ssm", self._catch, region, self.attempts)

    def _catch(self, request: Any, **_: Any) -> AWSResponse:
        return serve(request, "ssm", self.wire, self._operation)

    def _operation(self, name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
        operations = {
            "GetParametersByPath": self._by_path,
            "GetParameters": self._by_name,
            "DescribeParameters": self._descriptions,
        }

        def call(params: dict[str, Any]) -> dict[str, Any]:
            self.calls.append((name, params))
            return operations[name](params)

        return call

    def _check(self, name: str) -> None:
        path = name if name.startswith("/") else f"/{name}"
        if any(path == denied or path.startswith(f"{denied}/") for denied in self.denied):
            message = f"not authorized on resource: arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{path}"
            raise Fault("AccessDeniedException", message)

    def _described(self, name: str, version: int, decrypt: bool) -> dict[str, Any]:
        found = self.parameters[name]
        value = found.values[version - 1]
        if found.type == "SecureString":
            if decrypt and found.key not in self.keys:
                raise Fault("AccessDeniedException", "not authorized to perform: kms:Decrypt on this resource")
            value = value if decrypt else base64.b64encode(value.encode()[::-1]).decode()
        path = name if name.startswith("/") else f"/{name}"
        return {
            "Name": name,
            "Type": found.type,
            "Value": value,
            "Version": version,
            "LastModifiedDate": found.changed,
            "ARN": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{path}",
            "DataType": "text",
        }

    def _by_path(self, params: dict[str, Any]) -> dict[str, Any]:
        path = params["Path"]
        if not path.startswith("/") or not _NAME.fullmatch(path) or len(path) > LONGEST:
            raise Fault("ValidationException", "The parameter doesn't meet the parameter name requirements.")
        if not 1 <= params.get("MaxResults", PAGE) <= PAGE:
            raise Fault("ValidationException", "Member must have value less than or equal to 10")
        self._check(path)
        names = [name for name in sorted(self.parameters) if name.startswith(f"{path}/")]
        if not params.get("Recursive"):
            names = [name for name in names if "/" not in name.removeprefix(f"{path}/")]
        start = int(base64.b64decode(params["NextToken"])) if "NextToken" in params else 0
        end = start + params.get("MaxResults", PAGE)
        decrypt = params.get("WithDecryption", False)
        page = [self._described(name, len(self.parameters[name].values), decrypt) for name in names[start:end]]
        more = {"NextToken": base64.b64encode(str(end).encode()).decode()} if end < len(names) else {}
        return {"Parameters": page, **more}

    def _descriptions(self, params: dict[str, Any]) -> dict[str, Any]:
        """In pages of fifty, of which each may hold fewer."""
        (chosen,) = params["ParameterFilters"]
        (value,) = chosen["Values"]
        if chosen["Key"] == "Path" and chosen["Option"] == "Recursive":
            names = [name for name in sorted(self.parameters) if name.startswith(f"{value}/")]
        else:
            assert (chosen["Key"], chosen["Option"]) == ("Name", "Equals")
            names = [name for name in self.parameters if name == value]
        start = int(params.get("NextToken", 0))
        page = [self._described(name, len(self.parameters[name].values), False) for name in names[start : start + 50]]
        more = {"NextToken": str(start + 50)} if start + 50 < len(names) else {}
        return {"Parameters": [{key: each[key] for key in each if key != "Value"} for each in page], **more}

    def _by_name(self, params: dict[str, Any]) -> dict[str, Any]:
        names = params["Names"]
        if len(names) > PAGE:
            raise Fault("ValidationException", "Member must have length less than or equal to 10")
        plain = [name.partition(":")[0] for name in names]
        if len(set(plain)) < len(plain):
            raise Fault("ValidationException", "Duplicate parameters are not allowed")
        for name in plain:
            self._check(name)
        found, invalid = [], []
        for each in names:
            name, colon, selector = each.partition(":")
            version = self._version(name, selector)
            if version is None:
                invalid.append(each)
                continue
            described = self._described(name, version, params.get("WithDecryption", False))
            found.append({**described, **({"Selector": f":{selector}"} if colon else {})})
        return {"Parameters": found, "InvalidParameters": invalid}

    def _version(self, name: str, selector: str) -> int | None:
        known = self.parameters.get(name)
        if known is None:
            return None
        version = int(selector) if selector.isdecimal() else known.labels.get(selector, 0)
        version = version if selector else len(known.values)
        return version if 1 <= version <= len(known.values) else None

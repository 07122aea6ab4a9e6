"""A fake of Secrets Manager behind botocore's own client: secrets with versions and staging labels."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSResponse

from tests.fakes.aws_lambda import ACCOUNT, REGION, Clock, Fault, Wire, client_for
from tests.fakes.json_rpc import serve

SUFFIX = "-a1B2c3"
"""The random end of every ARN."""

_NO_SECRET = "Secrets Manager can't find the specified secret."


@dataclass
class Secret:
    """``versions`` are values by ID, ``stages`` the IDs by staging label."""

    versions: dict[str, str | bytes] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)
    deleted: bool = False


class FakeSecretsManager:
    """``denied`` are the names of secrets that the caller may not read, ``undecryptable`` those without their key."""

    STATE = ("secrets",)

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.secrets: dict[str, Secret] = {}
        self.denied: set[str] = set()
        self.undecryptable: set[str] = set()
        self.wire, self.attempts = Wire(), 1
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._made = 0

    def put(self, name: str, value: str | bytes, *stages: str) -> str:
        """A new version, which is the current one unless other labels are given. Returns its ID."""
        secret = self.secrets.setdefault(name, Secret())
        self._made += 1
        version = f"00000000-0000-4000-8000-{self._made:012}"
        secret.versions[version] = value
        if not stages and "AWSCURRENT" in secret.stages:
            secret.stages["AWSPREVIOUS"] = secret.stages["AWSCURRENT"]
        secret.stages.update(dict.fromkeys(stages or ("AWSCURRENT",), version))
        return version

    @staticmethod
    def arn(name: str) -> str:
        return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}{SUFFIX}"

    def client(self, region: str = REGION) -> Any:
        return client_for("secretsmanager", self._catch, region, self.attempts)

    def _catch(self, request: Any, **_: Any) -> AWSResponse:
        return serve(request, "secretsmanager", self.wire, self._operation)

    def _operation(self, name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
        operations = {"GetSecretValue": self._value, "DescribeSecret": self._description}

        def call(params: dict[str, Any]) -> dict[str, Any]:
            self.calls.append((name, params))
            return operations[name](params)

        return call

    def _name(self, secret_id: str) -> str:
        """A name is one, and an ARN may lack its random end."""
        known = {form: name for name in self.secrets for form in (name, self.arn(name), self.arn(name)[: -len(SUFFIX)])}
        if secret_id in known:
            return known[secret_id]
        raise Fault("ResourceNotFoundException", _NO_SECRET)

    def _description(self, params: dict[str, Any]) -> dict[str, Any]:
        name = self._name(params["SecretId"])
        stages = self.secrets[name].stages
        labels = {version: [label for label, each in stages.items() if each == version] for version in stages.values()}
        return {"ARN": self.arn(name), "Name": name, "VersionIdsToStages": labels}

    def _value(self, params: dict[str, Any]) -> dict[str, Any]:
        if params["SecretId"] in self.denied:
            raise Fault("AccessDeniedException", "not authorized to perform: secretsmanager:GetSecretValue")
        name = self._name(params["SecretId"])
        secret = self.secrets[name]
        if name in self.denied:
            raise Fault("AccessDeniedException", "not authorized to perform: secretsmanager:GetSecretValue")
        if secret.deleted:
            message = "You can't perform this operation on the secret because it was marked for deletion."
            raise Fault("InvalidRequestException", message)
        stage, version = params.get("VersionStage"), params.get("VersionId")
        if version is None:
            version = secret.stages.get(stage or "AWSCURRENT")
        elif stage is not None and secret.stages.get(stage) != version:
            version = None
        if version not in secret.versions:
            message = f"Secrets Manager can't find the specified secret value for staging label: {stage}"
            raise Fault("ResourceNotFoundException", message)
        if name in self.undecryptable:
            raise Fault("DecryptionFailure", "Secrets Manager can't decrypt the protected secret text")
        value = secret.versions[version]
        text = {"SecretString": value} if isinstance(value, str) else {"SecretBinary": base64.b64encode(value).decode()}
        stages = [label for label, each in secret.stages.items() if each == version]
        known = {"ARN": self.arn(name), "Name": name, "VersionId": version, "VersionStages": stages}
        return {**known, "CreatedDate": self.clock.now(), **text}

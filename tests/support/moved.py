"""Templates of functions, as the transform takes them and leaves them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cfn_injector.transform import Options, transform
from cfn_injector.transform.edits import applied

IN_S3 = {"S3Bucket": "builds", "S3Key": "app.zip"}
TOKEN = {"Fn::ImportValue": "cfn-injector-ServiceToken"}
SERVICE = {"ServiceToken": TOKEN, "ServiceTimeout": 1200}


def native(metadata: Mapping[str, Any] | None = None, *, env: Any = None, **properties: Any) -> dict[str, Any]:
    """An ``AWS::Lambda::Function``; ``metadata`` is what ``CfnInjector`` says, ``env`` the variables of Environment."""
    return _function("AWS::Lambda::Function", metadata, env, {"Code": IN_S3, **properties})


def sam(metadata: Mapping[str, Any] | None = None, *, env: Any = None, **properties: Any) -> dict[str, Any]:
    """An ``AWS::Serverless::Function``."""
    return _function("AWS::Serverless::Function", metadata, env, {"CodeUri": "s3://builds/app.zip", **properties})


def _function(kind: str, metadata: Any, env: Any, properties: Mapping[str, Any]) -> dict[str, Any]:
    variables = {} if env is None else {"Environment": {"Variables": env}}
    own = {} if metadata is None else {"Metadata": {"CfnInjector": metadata}}
    defaults = {"Runtime": "python3.13", "Handler": "app.handler", "Role": "arn:aws:iam::111122223333:role/r"}
    return {"Type": kind, **own, "Properties": {**defaults, **properties, **variables}}


def template(**resources: Any) -> dict[str, Any]:
    """A template with these resources."""
    return {"Resources": resources}


def moved(before: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    """The template after the transform, which moves the variables of all functions unless ``options`` say otherwise."""
    return applied(before, transform(before, Options(**{"move": True, **options})))


def notes(before: Mapping[str, Any], **options: Any) -> list[str]:
    """What the transform says about functions that it leaves as they are."""
    said: list[str] = []
    moved(before, note=said.append, **options)
    return said


def attribute(resource: str, name: str) -> dict[str, list[str]]:
    """A function of the template that returns the attribute of a resource."""
    return {"Fn::GetAtt": [resource, name]}

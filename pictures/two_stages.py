"""One artifact, two stacks, two functions: what the provider does, in one picture."""

from __future__ import annotations

from pictures.drawing import Box, Picture, Shape, arrow, captioned, lines

_ARTIFACT = Box(125, 16, 230, 52, "blue")
_STACKS = {"dev": Box(16, 100, 210, 72, "green"), "prod": Box(254, 100, 210, 72, "orange")}
_PROVIDER = Box(16, 212, 448, 52, "purple")
_FUNCTIONS = {"dev": Box(16, 304, 210, 72, "green"), "prod": Box(254, 304, 210, 72, "orange")}


def _stage(name: str) -> list[Shape]:
    stack, function = _STACKS[name], _FUNCTIONS[name]
    return [
        *captioned(stack, f"stack {name}", "Custom::LambdaFunction", f"Env: TABLE={name}-table", code=[1, 2]),
        arrow((stack.middle, stack.bottom), (stack.middle, _PROVIDER.top), hue=stack.hue),
        arrow((function.middle, _PROVIDER.bottom), (function.middle, function.top), hue=function.hue),
        *captioned(function, f"function {name}", "app.zip, with its own .env:", f"TABLE={name}-table", code=[2]),
    ]


_DESCRIPTION = """
One object in S3, app.zip, is built once and never changed. The CloudFormation stacks dev and prod each send their Env
to the provider. The provider writes Env into the .env file in a copy of the artifact for each stack. Function dev
gets TABLE=dev-table, function prod gets TABLE=prod-table. At run time each reads the file on its own disk.
"""
PICTURE = Picture(
    "two-stages",
    "One artifact, deployed to two stages",
    _DESCRIPTION,
    480,
    420,
    [
        *captioned(_ARTIFACT, "app.zip in S3", "built once, never changed"),
        arrow((_ARTIFACT.middle, _ARTIFACT.bottom), (_ARTIFACT.middle, _PROVIDER.top), hue="blue"),
        *_stage("dev"),
        *_stage("prod"),
        *captioned(_PROVIDER, "the provider, during deployment", "merges Env into .env in a copy of app.zip"),
        *lines(240, 402, "At run time, each function reads a file on its own disk.", anchor="middle"),
    ],
)

"""What the provider's role may do, in words: takes the values of the stack's parameters, returns sentences.

Each sentence stands for statements of the policies in ``templates/provider.yaml``, by their ``Sid``. A test checks that
every statement has one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

Values = Mapping[str, str]


class Sentence(NamedTuple):
    """``text`` has names of parameters in braces. It is true if ``applies``."""

    sids: tuple[str, ...]
    text: str
    applies: Callable[[Values], bool] = lambda values: True


def _named(values: Values) -> bool:
    return values["FunctionNamePrefix"] != "*"


SENTENCES = (
    Sentence(
        ("Functions", "CodeSigning", "Layers"),
        "create, change and delete functions whose names begin with {FunctionNamePrefix}, with any layer and code "
        "signing configuration",
        _named,
    ),
    Sentence(
        ("Functions", "CodeSigning", "Layers"),
        "create, change and delete EVERY function of this account and Region, because the prefix is *",
        lambda values: not _named(values),
    ),
    Sentence(
        ("NewEventSourceMappings", "EventSourceMappings", "OwnersOfEventSourceMappings", "ListOfEventSourceMappings"),
        "create, change and delete event source mappings of these functions, and list all mappings",
    ),
    Sentence(("Roles",), "give a function any role below {RolePath}: whoever deploys can run code with these roles"),
    Sentence(("Artifacts",), "read every object in the buckets {SourceBuckets}"),
    Sentence(("Staging", "Secret", "MissingStaged"), "read, write and delete objects in its own staging bucket"),
    Sentence(
        ("Parameters",),
        "read the parameters at and below {ParameterPaths} in Parameter Store",
        lambda values: bool(values["ParameterPaths"]),
    ),
    Sentence(("Secrets",), "read the secrets {Secrets}", lambda values: bool(values["Secrets"])),
    Sentence(
        (
            *("FunctionsBehindApis", "PermissionsOfFunctionsBehindApis", "ReadApis", "DeployApis", "Methods"),
            *("PartsOfApis", "TagsOfApis", "TaggedApis"),
        ),
        "change resources, methods, deployments, stages and tags of EVERY REST API of this account and Region, and let "
        "API Gateway call these functions",
        lambda values: values["ApiGateway"] == "true",
    ),
    Sentence(("Networks", "FileSystems"), "describe networks and mount targets, which Lambda asks for"),
    Sentence(("Stacks", "Holders"), "describe every stack of this account and Region, with its resources and events"),
    Sentence(("Logs", "UnservedEvents"), "write its own log, and use its own queue"),
    Sentence(
        ("NotTheProviderItself", "NotAnotherProvider", "NotTheRoleOfAProvider"),
        "not change a provider, this one included, and not give its role to a function",
    ),
    Sentence(
        ("NotElsewhere",),
        "not read parameters and secrets of other accounts and Regions",
        lambda values: bool(values["ParameterPaths"] or values["Secrets"]) and not values["ResponseHosts"],
    ),
    Sentence(
        ("Emulator",),
        "more, on an emulator, whose policies are less precise",
        lambda values: bool(values["ResponseHosts"]),
    ),
    Sentence(
        (), "everything that the policies {ExtraPolicyArns} allow", lambda values: bool(values["ExtraPolicyArns"])
    ),
    Sentence(
        (),
        "nothing outside the permissions boundary {PermissionsBoundary}",
        lambda values: bool(values["PermissionsBoundary"]),
    ),
)


def sentences(values: Values) -> Sequence[str]:
    """What the role may do if the parameters of the stack have these values."""
    return [each.text.format_map(values) for each in SENTENCES if each.applies(values)]

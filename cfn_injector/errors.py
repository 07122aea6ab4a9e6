"""The exceptions of cfn_injector.

    InjectorError
    ├── RequestError            the event is not one that this provider can serve
    ├── PropertyError           one property of the template is wrong
    ├── PropertiesError         several are; each is told
    ├── ArtifactError           the archive cannot be rewritten
    ├── EnvFileError            the artifact's own .env cannot be parsed or merged
    ├── StorageError            S3 did not give or take an object
    ├── OwnershipError          a function is not ours to touch
    ├── ResourceError           AWS ended in a state that is not the one asked for
    │   └── FunctionError       so did Lambda, with a function
    ├── OutOfTimeError          the time for this request ended before the work did
    ├── AlreadyAnsweredError    a call to AWS after the request was answered
    └── DeliveryError           the answer could not be delivered to CloudFormation

``str()`` of each is meant for the person who deploys: what was wrong, where, and what to do. None holds a value of
``Env``.
"""

from __future__ import annotations

from collections.abc import Sequence


class InjectorError(Exception):
    """Base of all errors that are told to the user in their own words."""


class RequestError(InjectorError):
    """The event cannot be served: a field is missing, or a type is unknown."""


class PropertyError(InjectorError):
    """One property is wrong.

    ``name`` is its path in the template (``Env.HOSTS``), ``problem`` continues it ("is a list"), ``remedy`` says what
    to do ("use Fn::ToJsonString").
    """

    def __init__(self, name: str, problem: str, remedy: str) -> None:
        super().__init__(f"{name} {problem}; {remedy}")
        self.name = name
        self.problem = problem
        self.remedy = remedy

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PropertyError) and self.args == other.args

    def __hash__(self) -> int:
        return hash(self.args)


class PropertiesError(InjectorError):
    """Several properties are wrong; all are reported at once."""

    def __init__(self, problems: Sequence[PropertyError]) -> None:
        super().__init__(". ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class ArtifactError(InjectorError):
    """The archive cannot be rewritten safely.

    ``problem`` says what was found, ``entry`` names the entry of the archive that it was found in.
    """

    def __init__(self, problem: str, *, entry: str | None = None, remedy: str = "build the artifact anew") -> None:
        where = f"entry {entry!r} of the artifact" if entry is not None else "the artifact"
        super().__init__(f"{where} {problem}; {remedy}")
        self.problem = problem
        self.entry = entry
        self.remedy = remedy


class EnvFileError(InjectorError):
    """The file of variables inside the artifact cannot be used.

    ``path`` is its name in the archive, ``line`` counts from 1, None where the whole file is meant.
    """

    def __init__(self, path: str, problem: str, *, line: int | None = None) -> None:
        where = path if line is None else f"{path}, line {line}"
        super().__init__(f"{where} in the artifact {problem}; correct the file that the artifact is built with")
        self.path = path
        self.line = line
        self.problem = problem


class StorageError(InjectorError):
    """S3 did not give or take an object; the message names bucket, key and the permission or setting to look at."""


class OwnershipError(InjectorError):
    """A function exists that is not ours to change."""


class ResourceError(InjectorError):
    """AWS reports that what was asked for cannot be had; the message says why, and what to do."""


class FunctionError(ResourceError):
    """Lambda reports that a function, an update or a version failed; the message carries Lambda's own reason."""


class OutOfTimeError(InjectorError):
    """The time for this request ended; the message says what was waited for."""


class AlreadyAnsweredError(InjectorError):
    """A call to AWS was about to be made after the answer was sent; nothing may happen then."""


class DeliveryError(InjectorError):
    """The answer could not be delivered, or its destination is not one that may be answered."""


def code_of(error: Exception) -> str:
    """AWS's code of an error of botocore's (``ResourceNotFoundException``); empty for any other error."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def message_of(error: Exception) -> str:
    """AWS's own words in an error of botocore's; empty for any other error."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Message", "")) if isinstance(response, dict) else ""

"""The exceptions of cfn_injector.

    InjectorError
    ├── RequestError            the provider cannot serve the event
    ├── PropertyError           one property of the template is wrong
    ├── PropertiesError         several properties are wrong; the message lists each of them
    ├── ArtifactError           the archive cannot be rewritten
    ├── EnvFileError            the artifact's own .env cannot be parsed or merged
    ├── StorageError            reading an object from S3, or writing one, failed
    ├── OwnershipError          the function belongs to something else
    ├── ResourceError           AWS did not reach the requested state
    │   └── FunctionError       the same, for a Lambda function
    ├── OutOfTimeError          the time for the request ended before the work was done
    ├── AlreadyAnsweredError    a call to AWS after the request was answered
    └── DeliveryError           the answer could not be delivered to CloudFormation

``str()`` of each error is for the person who deploys: it says what is wrong, where, and what to do. ``full_message`` is
the same with the error's code at its end, and what commands and the provider show. ``cfn-injector explain CODE`` prints
the cause and the remedy of a code. No error holds a value of ``Env``.
"""

from __future__ import annotations

from collections.abc import Sequence


def with_code(message: str, code: str) -> str:
    """A message that ends with the code of its error (``CI201``) in brackets, or without one if the code is empty."""
    return f"{message} [{code}]" if code else message


class InjectorError(Exception):
    """The base of all errors whose message the user sees unchanged.

    ``code`` is a key of the catalogue of errors (``CI201``). Errors of other packages have none.
    """

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code

    @property
    def full_message(self) -> str:
        """The message, and the code in brackets at its end."""
        return with_code(str(self), self.code)


class RequestError(InjectorError):
    """The event cannot be served: a field is missing, or the type is unknown."""


class PropertyError(InjectorError):
    """One property is wrong.

    ``name`` is the property's path in the template (``Env.HOSTS``). ``problem`` completes the sentence ("is a list").
    ``remedy`` says what to do ("use Fn::ToJsonString").
    """

    def __init__(self, name: str, problem: str, remedy: str, *, code: str = "") -> None:
        super().__init__(f"{name} {problem}; {remedy}", code=code)
        self.name = name
        self.problem = problem
        self.remedy = remedy

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PropertyError) and self.args == other.args

    def __hash__(self) -> int:
        return hash(self.args)


class PropertiesError(InjectorError):
    """Several properties are wrong. All of them are reported at once, each with its own code."""

    def __init__(self, problems: Sequence[PropertyError]) -> None:
        super().__init__(". ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)

    @property
    def full_message(self) -> str:
        return ". ".join(problem.full_message for problem in self.problems)


class ArtifactError(InjectorError):
    """The archive cannot be rewritten safely.

    ``problem`` says what is wrong. ``entry`` is the name of the archive entry that has the problem, or None if the
    problem is with the archive as a whole.
    """

    def __init__(
        self, problem: str, *, entry: str | None = None, remedy: str = "rebuild the artifact", code: str = ""
    ) -> None:
        where = f"entry {entry!r} of the artifact" if entry is not None else "the artifact"
        super().__init__(f"{where} {problem}; {remedy}", code=code)
        self.problem = problem
        self.entry = entry
        self.remedy = remedy


class EnvFileError(InjectorError):
    """The ``.env`` file inside the artifact cannot be used.

    ``path`` is the file's name in the archive. ``line`` counts from 1, and is None if the whole file is wrong.
    """

    def __init__(self, path: str, problem: str, *, line: int | None = None, code: str = "") -> None:
        where = path if line is None else f"{path}, line {line}"
        super().__init__(f"{where} in the artifact {problem}; correct the file and rebuild the artifact", code=code)
        self.path = path
        self.line = line
        self.problem = problem


class StorageError(InjectorError):
    """A read from S3 or a write to it failed. The message names the bucket, the key, and the permission or setting to
    check.
    """


class OwnershipError(InjectorError):
    """The function exists, and the resource does not own it."""


class ResourceError(InjectorError):
    """AWS cannot do what was requested. The message says why, and what to do."""


class FunctionError(ResourceError):
    """Lambda reports that a function, an update or a version failed. The message includes Lambda's own reason."""


class OutOfTimeError(InjectorError):
    """The time for the request ended. The message says what the provider was waiting for."""


class AlreadyAnsweredError(InjectorError):
    """A call to AWS was about to be made after the answer was sent. The call is blocked."""


class DeliveryError(InjectorError):
    """The answer could not be delivered, or its destination is not allowed."""


def code_of(error: Exception) -> str:
    """AWS's error code (``ResourceNotFoundException``) in a botocore error; empty for any other error."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def denies_passing_role(error: Exception) -> bool:
    """Whether AWS does not allow the caller to pass a role to a service, for which it needs ``iam:PassRole``."""
    return code_of(error) in ("AccessDenied", "AccessDeniedException") and "iam:PassRole" in message_of(error)


def message_of(error: Exception) -> str:
    """AWS's own message in a botocore error; empty for any other error."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Message", "")) if isinstance(response, dict) else ""

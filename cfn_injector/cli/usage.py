"""The error of wrong usage: the arguments are wrong, whatever the files and AWS hold. The exit status is 2.

Errors of files, of AWS and of the machine are other InjectorErrors, whose exit status is 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cfn_injector.errors import InjectorError


class UsageError(InjectorError):
    """An argument has an invalid value, is missing, or excludes another one. The message names it, without secrets."""


@contextmanager
def checking_arguments() -> Iterator[None]:
    """Turns an InjectorError of this context, which checks arguments alone, into a UsageError."""
    try:
        yield
    except InjectorError as error:
        raise UsageError(str(error), code=error.code) from error

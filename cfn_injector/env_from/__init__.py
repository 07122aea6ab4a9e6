"""Variables from Parameter Store, from Secrets Manager, from a file of the artifact, and by references in ``Env``.

Takes a template's properties, and later an operation and the artifact. Returns the problems with them, an ``EnvFrom``,
which says what to read, and the variables that were read, with their versions.
"""

from cfn_injector.env_from.reading import Resolved, check_access, read
from cfn_injector.env_from.spec import PROPERTIES, EnvFrom, parse, problems

SERVICES = ("secretsmanager", "ssm")
"""The AWS services that are called."""

__all__ = ["PROPERTIES", "SERVICES", "EnvFrom", "Resolved", "check_access", "parse", "problems", "read"]

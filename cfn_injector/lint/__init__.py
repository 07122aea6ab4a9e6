"""Rules for cfn-lint: ``cfn-lint -a cfn_injector.lint``, or ``append_rules`` in ``.cfnlintrc``.

Takes what cfn-lint reads of a template. Returns what the provider would refuse when it is deployed, by the provider's
own parsers of properties, and what deploys and does not work. cfn-lint makes each class in this module a rule.

https://github.com/aws-cloudformation/cfn-lint/blob/main/docs/getting_started/rules.md
"""

from cfn_injector.lint.function_rule import LambdaFunctionProperties
from cfn_injector.lint.rules import (
    APIGatewayResourceProperties,
    Attributes,
    AutoPublishAlias,
    Connect,
    EventSourceMappingProperties,
    FunctionNamePrefix,
    LambdaCodeProperties,
    Metadata,
    MissingServiceTimeout,
    RolePath,
    UnresolvedReferences,
    VersionWithoutHash,
)

__all__ = [
    "APIGatewayResourceProperties",
    "Attributes",
    "AutoPublishAlias",
    "Connect",
    "EventSourceMappingProperties",
    "FunctionNamePrefix",
    "LambdaCodeProperties",
    "LambdaFunctionProperties",
    "Metadata",
    "MissingServiceTimeout",
    "RolePath",
    "UnresolvedReferences",
    "VersionWithoutHash",
]

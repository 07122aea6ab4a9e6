"""The rules for cfn-lint, but for that of ``Custom::LambdaFunction``: each asks one function for its findings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cfnlint.rules import CloudFormationLintRule, RuleMatch

from cfn_injector.lint import attributes, bounds, connect, properties, scenarios, versions
from cfn_injector.lint.resource_types import CODE, MAPPING, METHOD
from cfn_injector.lint.templates import Finding, resources, served
from cfn_injector.transform import NATIVE, SAM

_TEXT = {"default": "", "type": "string"}


class _Rule(CloudFormationLintRule):
    """A rule that looks at the whole template."""

    source_url = "https://github.com/cfn-injector/cfn-injector/blob/main/docs/lint.md"
    tags = ("resources", "cfn-injector")

    def findings(self, cfn: Any) -> Iterator[Finding]:
        yield from ()

    def match(self, cfn: Any) -> list[Any]:
        return [RuleMatch(list(finding.path), finding.message) for finding in self.findings(cfn)]


class _Properties(_Rule):
    """A rule for the properties of one type."""

    description = "The provider would refuse the properties when the stack is deployed"
    resource_type = ""

    def findings(self, cfn: Any) -> Iterator[Finding]:
        for resource in served(cfn.template, self.resource_type):
            yield from properties.of_type(resource, scenarios.of(cfn, resource))


class LambdaCodeProperties(_Properties):
    id = "E9502"
    shortdesc = "Properties of Custom::LambdaCode"
    resource_type = CODE


class EventSourceMappingProperties(_Properties):
    id = "E9503"
    shortdesc = "Properties of Custom::EventSourceMapping"
    resource_type = MAPPING


class APIGatewayResourceProperties(_Properties):
    id = "E9504"
    shortdesc = "Properties of Custom::APIGatewayResource"
    resource_type = METHOD


class Metadata(_Rule):
    id = "E9505"
    shortdesc = "Metadata.CfnInjector of a function"
    description = "The Custom::LambdaCode that cfn-injector transform makes of the metadata would be refused"

    def findings(self, cfn: Any) -> Iterator[Finding]:
        yield from connect.names(cfn.template)
        for resource in resources(cfn.template, NATIVE, SAM):
            yield from properties.of_metadata(resource, scenarios.of(cfn, resource))


class Connect(_Rule):
    id = "E9506"
    shortdesc = "Connect of a function"
    description = "cfn-injector transform cannot connect the function"

    def findings(self, cfn: Any) -> Iterator[Finding]:
        return connect.findings(cfn.template)


class Attributes(_Rule):
    id = "E9507"
    shortdesc = "Attributes of the provider's resources"
    description = "Fn::GetAtt and Fn::Sub can use only the attributes that the provider returns"
    tags = ("functions", "cfn-injector")

    def findings(self, cfn: Any) -> Iterator[Finding]:
        return attributes.findings(cfn.template)


class UnresolvedReferences(_Rule):
    id = "E9508"
    shortdesc = "References to secrets that nothing resolves"
    description = (
        "CloudFormation does not resolve references to Secrets Manager and to secure strings in custom resources, and "
        "the provider resolves them in Env only"
    )

    def findings(self, cfn: Any) -> Iterator[Finding]:
        for resource in served(cfn.template):
            yield from properties.unresolved(resource, scenarios.of(cfn, resource))


class FunctionNamePrefix(_Rule):
    id = "E9509"
    shortdesc = "Names of functions outside of FunctionNamePrefix"
    description = "The provider's role reaches only functions whose names begin with FunctionNamePrefix of its stack"

    def __init__(self) -> None:
        super().__init__()
        self.config_definition = {"prefix": _TEXT}

    def findings(self, cfn: Any) -> Iterator[Finding]:
        return bounds.names(cfn.template, self.config["prefix"].removesuffix("*"))


class RolePath(_Rule):
    id = "E9510"
    shortdesc = "Roles outside of RolePath"
    description = "The provider can give functions only roles within RolePath of its stack"

    def __init__(self) -> None:
        super().__init__()
        self.config_definition = {"path": _TEXT}

    def findings(self, cfn: Any) -> Iterator[Finding]:
        return bounds.roles(cfn.template, self.config["path"])


class MissingServiceTimeout(_Rule):
    id = "W9501"
    shortdesc = "Resources of the provider without ServiceTimeout"
    description = "If the provider cannot answer, CloudFormation waits an hour for it. ServiceTimeout limits that"

    def findings(self, cfn: Any) -> Iterator[Finding]:
        return properties.without_timeout(cfn.template)


class VersionWithoutHash(_Rule):
    id = "W9502"
    shortdesc = "Versions without CodeSha256"
    description = "A change of Env publishes no version, because AWS::Lambda::Version itself does not change"

    def findings(self, cfn: Any) -> Iterator[Finding]:
        return versions.unpublished(cfn.template)


class AutoPublishAlias(_Rule):
    id = "W9503"
    shortdesc = "AutoPublishAlias with the code of Custom::LambdaCode"
    description = "SAM publishes a version if the template changes, and a change of Env does not change its function"

    def findings(self, cfn: Any) -> Iterator[Finding]:
        return versions.aliases(cfn.template)

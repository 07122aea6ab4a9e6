"""The rule for ``Custom::LambdaFunction``: the native type's schema, all rules of cfn-lint for it, and the provider's.

Takes a resource as cfn-lint's validator passes it. Returns its errors, and what the provider refuses besides.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from cfnlint.decode.node import dict_node
from cfnlint.jsonschema import ValidationError

# As a module: cfn-lint makes a rule of each class that it finds in a file of a folder of rules.
from cfnlint.rules.resources.properties import Properties as native

from cfn_injector.lint import properties, scenarios
from cfn_injector.lint.resource_types import FUNCTION
from cfn_injector.lint.templates import Finding, Resource, served
from cfn_injector.resources.lambda_function.spec import OWN_PROPERTIES, PUBLISHING
from cfn_injector.transform import NATIVE

_VERSION_IS_MISSING = "W2530"
"""cfn-lint's warning of a function with SnapStart and no AWS::Lambda::Version. The provider publishes one itself."""


class LambdaFunctionProperties(native.Properties):
    """Validates the resource as ``AWS::Lambda::Function``, without the properties that this type does not have."""

    id = "E9501"
    shortdesc = "Properties of Custom::LambdaFunction"
    description = (
        "The schema of AWS::Lambda::Function and cfn-lint's rules for it check the properties, and report under their "
        "own IDs. This rule reports what else the provider would refuse"
    )
    source_url = "https://github.com/cfn-injector/cfn-injector/blob/main/docs/lint.md"
    tags = ("resources", "cfn-injector")

    def validate(self, validator: Any, _: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if not isinstance(instance, Mapping) or instance.get("Type") != FUNCTION:
            return
        logical_id = str(validator.context.path.path[-1])
        if logical_id not in {each.logical_id for each in served(validator.cfn.template, FUNCTION)}:
            return
        resource = Resource(logical_id, FUNCTION, instance)
        errors = list(super().validate(validator, _, _as_native(instance), schema))
        found = properties.of_type(resource, scenarios.of(validator.cfn, resource))
        # All are compared first, because the validator prepends to the path of each error that it is given.
        own = [finding for finding in found if not any(self._says(error, finding) for error in errors)]
        yield from (error for error in errors if not (_publishes(resource) and _is_of_version(error)))
        for finding in own:
            yield ValidationError(finding.message, path=deque(finding.path[2:]), rule=self)

    def _says(self, error: Any, finding: Finding) -> bool:
        """Whether the schema's error is about the same property."""
        if tuple(error.path) != finding.path[2:] or getattr(error.rule, "id", "") not in self.rule_set.values():
            return False
        return error.validator != "required" or repr(finding.name.rpartition(".")[2]) in error.message


def _as_native(instance: Any) -> Any:
    """The resource as a native function."""
    stated = instance.get("Properties")
    if isinstance(stated, Mapping):
        shared = {name: value for name, value in stated.items() if name not in OWN_PROPERTIES}
        stated = dict_node(shared, getattr(stated, "start_mark", None), getattr(stated, "end_mark", None))
    whole = {**instance, "Type": NATIVE, **({} if stated is None else {"Properties": stated})}
    return dict_node(whole, getattr(instance, "start_mark", None), getattr(instance, "end_mark", None))


def _publishes(resource: Resource) -> bool:
    return any(resource.stated(name) is not None for name in PUBLISHING)


def _is_of_version(error: Any) -> bool:
    return getattr(error.rule, "id", "") == _VERSION_IS_MISSING

"""Changes templates that people already have: takes a template as plain data, returns the edits that it needs.

A template is what a JSON template holds: intrinsic functions in their long forms (``{"Fn::GetAtt": ["A", "Arn"]}``).
CloudFormation hands a macro the same. This package imports no parser: the provider's zip contains it, for the macro.
"""

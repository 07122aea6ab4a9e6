"""Parses the text of a template: takes text and its name, returns a Document.

JSON has its own parser, because YAML's refuses tabs. YAML is version 1.1, as in CloudFormation. Dates stay text.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
"""

from __future__ import annotations

import json

from cfn_injector.cli.template_text.json_nodes import json_node
from cfn_injector.cli.template_text.nodes import Document, Kind, Node
from cfn_injector.cli.tools import cli_extra
from cfn_injector.errors import InjectorError

_BOM = "\ufeff"


def _json_root(text: str) -> Node | json.JSONDecodeError:
    try:
        json.loads(text.removeprefix(_BOM))
    except json.JSONDecodeError as error:
        return error
    return json_node(text)


def parsed(text: str, name: str) -> Document:
    """The template that ``text`` holds. ``name`` is its file's, for messages.

    Raises InjectorError with the file and the line of what is not a template.
    """
    aliased: frozenset[int] = frozenset()
    is_braced = text.lstrip(f"{_BOM} \t\r\n").startswith("{")
    as_json = _json_root(text) if is_braced else None
    if isinstance(as_json, Node):
        root = as_json
    else:
        with cli_extra():
            from cfn_injector.cli.template_text.yaml_nodes import YamlError, yaml_node
        try:
            root, aliased = yaml_node(text)
        except YamlError as error:
            problem, line, column, kind = error.problem, error.position.line, error.position.column, "YAML"
            if as_json is not None:
                problem, line, column, kind = as_json.msg, as_json.lineno, as_json.colno, "JSON"
            remedy = f"correct the {kind}"
            raise InjectorError(f"{name}, line {line}, column {column}: {problem}; {remedy}", code="CI636") from error
    if root.kind is not Kind.MAPPING or root.tag:
        raise InjectorError(f"{name} is not a template: it has to be a mapping with a section Resources", code="CI637")
    return Document(text, name, root, isinstance(as_json, Node), aliased)

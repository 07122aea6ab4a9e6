"""The text of templates: what it means, and edits that leave every byte beside them as it was."""

from __future__ import annotations

from typing import Any

import pytest

from cfn_injector.cli.template_text import parsed, spliced
from cfn_injector.errors import InjectorError
from cfn_injector.transform.edits import REMOVED, Edit


def value_of(text: str) -> Any:
    """What a value in YAML means."""
    return parsed(f"A: {text}\n", "t.yaml").data["A"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!Ref B", {"Ref": "B"}),
        ("!Ref 12", {"Ref": "12"}),
        ("!Condition C", {"Condition": "C"}),
        ("!GetAtt B.Arn", {"Fn::GetAtt": ["B", "Arn"]}),
        ("!GetAtt B.Outputs.Arn", {"Fn::GetAtt": ["B", "Outputs.Arn"]}),
        ("!GetAtt [B, !Ref C]", {"Fn::GetAtt": ["B", {"Ref": "C"}]}),
        ("!Sub '${A}'", {"Fn::Sub": "${A}"}),
        ("!GetAZs ''", {"Fn::GetAZs": ""}),
        ("!If [C, !Ref A, {B: 1}]", {"Fn::If": ["C", {"Ref": "A"}, {"B": 1}]}),
        ("!Transform {Name: AWS::Include}", {"Fn::Transform": {"Name": "AWS::Include"}}),
        ("2012-10-17", "2012-10-17"),
        ("yes", True),
        ("0o7", "0o7"),
        ("012", 10),
        ("089", "089"),
        ("1.10", 1.1),
        ("1e3", "1e3"),
        ("~", None),
        ("", None),
        ("!!str 12", "12"),
        ("{80: a, yes: b}", {"80": "a", "yes": "b"}),
        ("|\n  a\n  b", "a\nb\n"),
    ],
)
def test_yaml_means_what_cloudformation_reads(text: str, value: Any) -> None:
    assert repr(value_of(text)) == repr(value)


def test_a_merge_gives_members_that_own_ones_override() -> None:
    text = "A: &a {B: 1, C: 1}\nD:\n  <<: *a\n  C: 2\n"
    assert parsed(text, "t.yaml").data["D"] == {"B": 1, "C": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A: 1\nB: [\n", "t.yaml, line 3, column 1: expected the node content"),
        ("A: 1\n\tB: 2\n", "t.yaml, line 2, column 1: found character"),
        ('{\n "A": 1,\n "B" 2}', "t.yaml, line 3, column 6: Expecting ':' delimiter; correct the JSON"),
        ("A: *a\n", "t.yaml, line 1, column 4: the alias *a has no anchor before it"),
        ("A: !!binary aGk=\n", "t.yaml, line 1, column 4: CloudFormation does not support the tag !!binary here"),
        ("A: 1\n---\nB: 2\n", "t.yaml, line 2, column 1: a second document begins"),
        ("", "t.yaml, line 1, column 1: the file is empty"),
        ("- A\n", "t.yaml is not a template"),
        ("A: \x00\n", "t.yaml, line 1, column 4: the character #x0000 is not allowed"),
        ("? [a]\n: b\n", "t.yaml, line 1, column 3: a key has to be text"),
    ],
)
def test_an_error_names_the_file_and_the_line(text: str, message: str) -> None:
    with pytest.raises(InjectorError) as caught:
        parsed(text, "t.yaml")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "path", "line", "column"),
    [
        ("A:\n  B:\n    - C: 1\n      D: 2\n", ("A", "B", 0, "D"), 4, 7),
        ("A:\n  B:\n    - C: 1\n      D: 2\n", ("A", "X", "Y"), 1, 1),
        ("A: !If\n  - C\n  - B: !Sub x\n", ("A", "Fn::If", 1, "B", "Fn::Sub"), 3, 5),
        ('{\n\t"A": [1,\n\t2]}', ("A", 1), 3, 2),
    ],
)
def test_a_path_has_a_line_and_a_column(text: str, path: tuple[Any, ...], line: int, column: int) -> None:
    assert parsed(text, "t").position(path) == (line, column)


REPLACED = [
    pytest.param("A: ./src  # ours\nB: 1\n", "A: new  # ours\nB: 1\n", id="a scalar before a comment"),
    pytest.param("A:   'x'\nB: 1\n", "A:   new\nB: 1\n", id="a scalar behind spaces"),
    pytest.param("\ufeffA: x\r\nB: 1\r\n", "\ufeffA: new\r\nB: 1\r\n", id="a BOM and CRLF"),
    pytest.param("A:\n  B: 1\n  # c\nC: 1", "A: new\n  # c\nC: 1", id="a mapping"),
    pytest.param("A:  # c\n# d\n- x\nC: 1", "A: new  # c\n# d\nC: 1", id="a list below comments"),
    pytest.param("A: |\n  x\n\n  y\n\nB: 1\n", "A: new\n\nB: 1\n", id="a block scalar"),
    pytest.param("A:\nB: 1\n", "A: new\nB: 1\n", id="nothing"),
    pytest.param("{A: x, B: 1}", "{A: new, B: 1}", id="a flow"),
    pytest.param('{"A":1,"B":1}', '{"A":"new","B":1}', id="JSON on one line"),
    pytest.param(
        '{\n\t"A": {\n\t\t"C": 1\n\t},\n\t"B": 1\n}\n', '{\n\t"A": "new",\n\t"B": 1\n}\n', id="JSON with tabs"
    ),
]


@pytest.mark.parametrize(("text", "result"), REPLACED)
def test_a_value_is_replaced(text: str, result: str) -> None:
    assert spliced(parsed(text, "t"), [Edit(("A",), "new")]) == result


CODE = {"S3Bucket": "b", "S3Key": {"Fn::GetAtt": ["C", "Key"]}}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("A: ./src  # ours\nB: 1\n", "A:  # ours\n  S3Bucket: b\n  S3Key: !GetAtt C.Key\nB: 1\n"),
        ("X:\n    Y: 1\nA: {}\nB: 1", "X:\n    Y: 1\nA:\n    S3Bucket: b\n    S3Key: !GetAtt C.Key\nB: 1"),
        ("A:\n  # c\n  - x\nB: 1\n", "A:\n  # c\n  S3Bucket: b\n  S3Key: !GetAtt C.Key\nB: 1\n"),
        (
            "A: x\nB: {'Ref': C}\n",
            "A:\n  S3Bucket: b\n  S3Key:\n    Fn::GetAtt:\n      - C\n      - Key\nB: {'Ref': C}\n",
        ),
        ("{A: x, B: 1}", "{A: {S3Bucket: b, S3Key: !GetAtt C.Key}, B: 1}"),
        ('{"A": 1, "B": 1}', '{"A": {"S3Bucket": "b", "S3Key": {"Fn::GetAtt": ["C", "Key"]}}, "B": 1}'),
    ],
)
def test_a_mapping_has_the_style_around_it(text: str, result: str) -> None:
    assert spliced(parsed(text, "t"), [Edit(("A",), CODE)]) == result


@pytest.mark.parametrize(
    ("text", "edit", "result"),
    [
        ("A:\n  B: 1  # one\n\nC: 2", Edit(("A", "D"), 3), "A:\n  B: 1  # one\n  D: 3\n\nC: 2"),
        ("A:\n  B: 1", Edit(("A", "D"), 3), "A:\n  B: 1\n  D: 3"),
        ("A:\n  B: |+\n    x\n\nC: 2", Edit(("A", "D"), 3), "A:\n  B: |+\n    x\n\n  D: 3\nC: 2"),
        ("A:\n  B: 1\n\n  C: 1\n", Edit(("A", "D"), 3), "A:\n  B: 1\n\n  C: 1\n\n  D: 3\n"),
        ("A: # c\nB: 1\n", Edit(("A", "D"), 3), "A: # c\n  D: 3\nB: 1\n"),
        ("A:\n- x\n- y: 1\n", Edit(("A", 2), "z"), "A:\n- x\n- y: 1\n- z\n"),
        ("A:\n- x\nB:\n", Edit(("B", "C"), [1, {"D": 2, "E": 3}]), "A:\n- x\nB:\n  C:\n  - 1\n  - D: 2\n    E: 3\n"),
        ("A:\n- x\n- B: 1\n  C: 2\n", Edit(("A", 1, "D"), 3), "A:\n- x\n- B: 1\n  C: 2\n  D: 3\n"),
        ("A: !If [C, [x], []]\n", Edit(("A", "Fn::If", 1, 1), "z"), "A: !If [C, [x, z], []]\n"),
        ("A: !Sub x # c\n", Edit(("A", "Fn::Sub"), "z"), "A: !Sub z # c\n"),
        ("A: [B: 1]\n", Edit(("A", 0, "C"), 2), "A: [{B: 1, C: 2}]\n"),
        ("A: {B: 1}\n", Edit(("A", "C"), "x, y"), 'A: {B: 1, C: "x, y"}\n'),
        ("A: {\n  B: 1 # c\n}\n", Edit(("A", "C"), 2), "A: {\n  B: 1,\n  C: 2 # c\n}\n"),
        ('{"A":{"B":1}}', Edit(("A", "C"), [2, 3]), '{"A":{"B":1,"C":[2,3]}}'),
        ('{\r\n  "A": 1\r\n}', Edit(("B",), {"C": 2}), '{\r\n  "A": 1,\r\n  "B": {\r\n    "C": 2\r\n  }\r\n}'),
        ("A: &a {B: 1}\nC:\n  <<: *a\n", Edit(("C", "B"), 2), "A: &a {B: 1}\nC:\n  <<: *a\n  B: 2\n"),
        ("A: &a {B: 1}\nC: *a\n", Edit(("C",), 2), "A: &a {B: 1}\nC: 2\n"),
    ],
)
def test_a_value_is_added(text: str, edit: Edit, result: str) -> None:
    assert spliced(parsed(text, "t"), [edit]) == result


@pytest.mark.parametrize(
    ("text", "path", "result"),
    [
        ("A:\n  B: 1\n  # c\n  C: 2\n", ("A", "B"), "A:\n  # c\n  C: 2\n"),
        ("A:\n  B: 1\n  C:\n    - x\nD: 1", ("A", "C"), "A:\n  B: 1\nD: 1"),
        ("A:\n  B: 1\nD: 1\n", ("A", "B"), "A: {}\nD: 1\n"),
        ("A:\n- B: 1\n  C: 2\n", ("A", 0, "B"), "A:\n- C: 2\n"),
        ("A:\n- B: 1\n  # c\n  C: 2\n", ("A", 0, "B"), "A:\n- \n  # c\n  C: 2\n"),
        ("A:\n- - x\n  - y\n", ("A", 0, 0), "A:\n- - y\n"),
        ("A: [x, y, z]\n", ("A", 1), "A: [x, z]\n"),
        ("A: [x, y, z]\n", ("A", 0), "A: [y, z]\n"),
        ('{"A": 1,\n "B": 2}', ("B",), '{"A": 1}'),
    ],
)
def test_a_value_is_removed(text: str, path: tuple[Any, ...], result: str) -> None:
    assert spliced(parsed(text, "t"), [Edit(path, REMOVED)]) == result


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("A: &a\n  B: 1\nC: *a\n", ("A", "B")),
        ("A: &a\n  B: 1\nC: *a\n", ("C", "B")),
        ("A: &a\n  B: {D: 1}\nC:\n  <<: *a\n", ("C", "B", "D")),
    ],
)
def test_an_edit_of_what_an_anchor_repeats_is_refused(text: str, path: tuple[Any, ...]) -> None:
    with pytest.raises(InjectorError, match=r"t, line \d: [AC]\.B|t, line \d: [AC] (has|comes from)"):
        spliced(parsed(text, "t"), [Edit(path, 2)])


def test_what_the_text_cannot_hold_is_an_error_and_not_a_wrong_template() -> None:
    text = "? A\n: 1\n"  # the insertion comes between the key and its value
    with pytest.raises(InjectorError, match="t: cannot edit B in its text"):
        spliced(parsed(text, "t"), [Edit(("B",), 1)])


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("A:\n  B: |\n    x", "A:\n  B: |-\n    x\n  D: 3\nC: 2"),
        ("A:\n  B: !Sub >\n    x", "A:\n  B: !Sub >-\n    x\n  D: 3\nC: 2"),
        ("A:\n  B: |2+\n      x", "A:\n  B: |2-\n      x\n  D: 3\nC: 2"),
        ("A:\n  B: |-\n    x", "A:\n  B: |-\n    x\n  D: 3\nC: 2"),
        ("A:\n  B: |\n    x\n# c", "A:\n  B: |\n    x\n  D: 3\nC: 2\n# c"),
    ],
)
def test_a_block_scalar_at_the_end_of_the_text_gets_no_line_break_from_what_is_added_below(
    text: str, result: str
) -> None:
    assert spliced(parsed(text, "t"), [Edit(("A", "D"), 3), Edit(("C",), 2)]) == result


def test_a_block_scalar_at_the_end_of_the_text_can_be_replaced_while_something_is_added_below() -> None:
    assert spliced(parsed("A: |\n  x", "t"), [Edit(("A",), 1), Edit(("B",), 2)]) == "A: 1\nB: 2"


def test_several_members_are_removed_from_the_start_of_the_text() -> None:
    text = "A: 1\nB: 2\n# c\nC: 3\nD: 4\n"
    assert spliced(parsed(text, "t"), [Edit((each,), REMOVED) for each in "ABC"]) == "# c\nD: 4\n"


@pytest.mark.parametrize(("text", "result"), [("A: 1 # c\n", "{B: 2} # c\n"), ('{"A": 1}\n', '{"B": 2}\n')])
def test_a_template_of_which_nothing_stays_is_replaced(text: str, result: str) -> None:
    assert spliced(parsed(text, "t"), [Edit(("A",), REMOVED), Edit(("B",), 2)]) == result

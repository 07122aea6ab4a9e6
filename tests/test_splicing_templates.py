"""Random edits of this project's own templates, as ``python -m tests.splicing_templates`` makes them in others."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from cfn_injector.cli.template_text import Document, parsed
from cfn_injector.transform.edits import Edit
from tests import splicing_templates
from tests.support.template_edits import VALUES, paths, random_edit, stays

ROOT = Path(__file__).parents[1]
OWN = [*sorted((ROOT / "templates").glob("*.yaml")), *sorted(ROOT.glob("example_*/template.yaml"))]


@pytest.mark.parametrize("path", OWN, ids=lambda path: f"{path.parent.name}-{path.name}")
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_random_edits_leave_everything_else_as_it_was(path: Path, newline: str) -> None:
    document = parsed(path.read_bytes().decode().replace("\n", newline), path.name)
    random = Random(path.name)
    for _ in range(4):
        edit = random_edit(document.data, random)
        assert splicing_templates.problem(document, [edit]) == "", edit


def own_json(indent: int | str | None) -> Document:
    content = {"Resources": {"F": {"Type": "T", "Properties": {"A": VALUES, "B": {"C": [1, [2, 3]]}}}}}
    return parsed(json.dumps(content, indent=indent), "own.json")


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_random_edits_of_json_leave_everything_else_as_it_was(indent: int | str | None) -> None:
    document, random = own_json(indent), Random(0)
    for _ in range(200):
        edit = random_edit(document.data, random)
        assert splicing_templates.problem(document, [edit]) == "", edit


BLOCKS = """\
Resources:  # all
  F: &f
    Type: T

    Properties:
      A: [x, {y: 1}, !Ref Z]
      B:
      - one  # first
      -
        two: 2
      # between
      - - 3
        - 4
  # the next
  G:
    <<: *f
    Text: |
      a

      b
    Kept: |+
      a

    Folded: >-
      a
      b
    Long: a plain
      scalar
    Quoted: "a \\
      b"
    H: !If
      - C
      - {A: 1,
         B: 2}  # pair
      - !Sub x
  E:
"""


@pytest.mark.parametrize("ending", ["", "\n", "\n\n# end\n", "\n...\n"])
def test_every_path_can_be_edited_to_every_value(ending: str) -> None:
    document = parsed(BLOCKS.rstrip("\n") + ending, "own.yaml")
    for path in paths(document.data):
        for value in VALUES[:: 5 if ending else 1]:
            assert splicing_templates.problem(document, [Edit(path, value)]) in ("", "refused"), (path, value)


def test_the_command_counts_and_names_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yaml").write_text(BLOCKS)
    (tmp_path / "b.json").write_text(json.dumps({"Resources": {"A": {"Type": "T"}}}))
    (tmp_path / "c.yaml").write_text("Resources: [")
    (tmp_path / "d.txt").write_text("Resources: {}")
    assert splicing_templates.main([str(tmp_path), "--edits", "5"]) == 0
    told = capsys.readouterr().out
    assert "1 YAML templates" in told
    assert "1 files that cannot be parsed" in told

    def careless(document: Document, edits: Any) -> str:
        return document.text + "\n"

    monkeypatch.setattr(splicing_templates, "spliced", careless)
    assert splicing_templates.main([str(tmp_path), "--edits", "5"]) > 5
    assert "other data" in capsys.readouterr().out


def test_a_change_beside_the_edit_is_found() -> None:
    document = parsed("A: 1\nB: 1  # c\n", "t.yaml")
    assert stays(document, Edit(("A",), 2), "A: 2\nB: 1  # c\n")
    assert not stays(document, Edit(("A",), 2), "A: 2\nB: 1\n")

"""Edits the templates of a folder at random, and prints what does not come out right.

    python -m tests.splicing_templates DIR [--edits N] [--seed N]

In flow the files of DIR that hold ``Resources``; files that are no templates are counted. Each is edited N times by one
edit, and once by all of these that apply one after the other. An edit is right if

- the result, parsed again, is the edited data;
- every character beside the edit is as it was (of a single edit).

Edits of what an anchor or an alias repeats are refused, and counted. The status is the number of edits that are wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from cfn_injector.cli.template_text import Document, parsed, spliced
from cfn_injector.cli.template_text.nodes import is_same
from cfn_injector.errors import InjectorError
from cfn_injector.transform.edits import Edit, applied
from tests.support.template_edits import random_edit, stays

ENDINGS = (".yaml", ".yml", ".json", ".template")


def documents(folder: Path) -> Iterator[Document | InjectorError]:
    """The templates below a folder, and errors of files that hold ``Resources`` and cannot be parsed."""
    for path in sorted(each for each in folder.rglob("*") if each.suffix in ENDINGS and each.is_file()):
        try:
            text = path.read_bytes().decode()
        except UnicodeDecodeError:
            continue
        if "Resources" not in text:
            continue
        try:
            document = parsed(text, str(path))
        except InjectorError as error:
            yield error
        else:
            if isinstance(document.data.get("Resources"), dict):
                yield document


def problem(document: Document, edits: Sequence[Edit]) -> str:
    """What is wrong with the result of the edits, or an empty text."""
    try:
        result = spliced(document, edits)
    except InjectorError as error:
        return "refused" if document.aliased and "anchor" in str(error) else str(error)
    if not is_same(parsed(result, document.name).data, applied(document.data, edits)):
        return "other data"
    return "" if len(edits) > 1 or stays(document, edits[0], result) else "other text changed"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.splicing_templates")
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--edits", type=int, default=12, help="of each template (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    random, count, wrong = Random(chosen.seed), Counter[str](), 0
    for document in documents(chosen.folder):
        if isinstance(document, InjectorError):
            print(document)
            count["files that cannot be parsed"] += 1
            continue
        count["JSON templates" if document.is_json else "YAML templates"] += 1
        data, several = document.data, []
        for _ in range(chosen.edits):
            edit, next_edit = random_edit(document.data, random), random_edit(data, random)
            several.append(next_edit)
            data = applied(data, [next_edit])
            found = problem(document, [edit])
            count["edits refused" if found == "refused" else "edits"] += 1
            if found not in ("", "refused"):
                wrong += 1
                print(f"{document.name}: {edit}: {found}", flush=True)
        found = problem(document, several)
        count["several edits refused" if found == "refused" else "several edits at once"] += 1
        if found not in ("", "refused"):
            wrong += 1
            print(f"{document.name}: {several}: {found}", flush=True)
    print(", ".join(f"{number} {name}" for name, number in count.items()) + f", {wrong} wrong")
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

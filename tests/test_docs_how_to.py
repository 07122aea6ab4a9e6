"""How-to pages without AWS: a script as it stands on its page, and figures that other pages have measured."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.node_js import PACKAGES, needs_packages, run_node
from tests.support.pages import DOCS, blocks

READERS = (DOCS / "other-readers.md").read_text("utf-8")
NEEDED = [program for program in ("bash", "zip") if shutil.which(program) is None]


def rows(text: str, first: str) -> list[list[str]]:
    """The cells of the table whose header begins with these words; the header is the first row."""
    lines = text[text.index(f"\n| {first}") + 1 :].split("\n\n")[0].split("\n")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if not line.startswith("|--")]


@needs_packages
@pytest.mark.skipif(NEEDED != [], reason=f"not installed: {NEEDED}")
def test_each_library_reads_what_the_command_injects(tmp_path: Path) -> None:
    if run_node("-p", "typeof process.loadEnvFile") != "function\n":
        pytest.skip("this Node.js has no process.loadEnvFile")
    script = "set -e\n" + "".join(blocks(READERS, "sh"))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "NODE_PATH": str(PACKAGES)},
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stderr
    read = [line for line in done.stdout.splitlines() if line.startswith("It's on")]
    assert read == ["It's on; 50 $ a day"] * 4


def test_the_table_of_misread_values_is_what_was_measured() -> None:
    measured = {values: misread for values, _, misread in rows((DOCS / "env-file.md").read_text("utf-8"), "values |")}
    header, *table = rows(READERS, "values |")
    names = {
        "python-dotenv, `interpolate=False`": ["python-dotenv uninterpolated"],
        "dotenv": ["dotenv"],
        "Node.js": ["Node.js --env-file"],
        "bash, dash": ["bash", "dash"],
    }
    assert header[1:] == list(names)

    def misread(values: str) -> list[str]:
        found = measured[values].split(", ")
        return ["misread" if set(parsers) & set(found) else "" for parsers in names.values()]

    assert {values: cells for values, *cells in table} == {
        values: misread(values) for values in measured if values != "values" and any(misread(values))
    }


def test_the_figures_of_large_archives_are_those_of_the_benchmark() -> None:
    results = (DOCS / "rewriting.md").read_text("utf-8")
    page = (DOCS / "large-archives.md").read_text("utf-8")
    table = rows(page, "size | moved")[1:]
    assert len(table) == 3
    for size, moved, memory in table:
        section = results[results.index(f"### {size}, 5,000 entries") :]
        ours = next(row for row in rows(section, "strategy") if row[0] == "ours")
        assert (moved, memory) == (f"{ours[5]} MB", f"{float(ours[4]):.1f} MB")
    event = results[results.index("### 512 MB") :]
    this = next(row for row in rows(event, "provider") if row[0] == "this")
    assert f"of 60 MB in {this[3]} seconds after a cold start, and in {this[5]} seconds" in " ".join(page.split())


def test_the_limits_of_large_archives_are_those_of_the_code() -> None:
    from cfn_injector import injection
    from cfn_injector.archive import LARGEST_FILE
    from cfn_injector.archive.directory import MAX_ENTRIES

    page, mib = (DOCS / "large-archives.md").read_text("utf-8"), 1 << 20
    limits = dict(rows(page, "what | limit"))
    assert limits["the archive"].startswith(f"{injection.LAMBDA_MAX_SIZE // mib} MB for Lambda")
    assert f"{injection.EDGE_MAX_SIZE // mib} MB for [Lambda@Edge]" in limits["the archive"]
    assert limits["unpacked, with `.env` and the loader"].startswith(f"{injection.LAMBDA_MAX_UNPACKED // mib} MB")
    assert limits["entries"] == f"{MAX_ENTRIES:,}"
    assert limits["the artifact's own `.env`"] == f"{LARGEST_FILE // mib} MiB"
    assert "The provider's 512 MB" in " ".join(page.split())

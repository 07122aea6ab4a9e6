"""The documentation: its links lead somewhere, its pages are in the site, and the quick start is what it says."""

from __future__ import annotations

import importlib.util
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.linting import own
from tests.support.pages import DOCS, PAGES, ROOT, TOP, anchors, blocks, links, sentences

README = (ROOT / "README.md").read_text("utf-8")
QUICK_START = (ROOT / "docs/quick-start.md").read_text("utf-8")
INDEX = (ROOT / "docs/index.md").read_text("utf-8")


@pytest.mark.parametrize("page", [*PAGES, *TOP], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in links(page.read_text("utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text("utf-8")), link


def test_every_page_is_in_the_site_once() -> None:
    listed = [
        line
        for content in blocks(INDEX.replace("```{toctree}", "```toctree"), "toctree")
        for line in content.split("\n")
    ]
    names = [line for line in listed if re.fullmatch(r"[a-z/-]+", line)]
    paths = {str(page.relative_to(DOCS).with_suffix("")) for page in PAGES}
    assert sorted(names) == sorted(paths - {"index"})


NO_SPHINX = pytest.mark.skipif(importlib.util.find_spec("sphinx") is None, reason="Sphinx is not installed: make docs")


@NO_SPHINX
@pytest.mark.parametrize(
    ("text", "links"),
    [
        pytest.param("See https://go.dev/a.html#b.", {"https://go.dev/a.html#b"}, id="a link ends a sentence"),
        pytest.param(
            "[a](https://go.dev/a), `https://go.dev/b`", {"https://go.dev/a", "https://go.dev/b"}, id="Markdown"
        ),
        pytest.param("f'https://{host}.dev/a' 'https://go.dev/{name}'", set(), id="a placeholder is no link"),
        pytest.param(
            "https://corp.example/a https://h.test/a http://127.0.0.1:80/a", set(), id="an example is no link"
        ),
        pytest.param("https://sqs.eu-central-1.amazonaws.com/1/a", set(), id="an endpoint is no link"),
    ],
)
def test_links_are_found_in_all_files(text: str, links: set[str]) -> None:
    assert runpy.run_path(str(ROOT / "docs/conf.py"))["_links"](text) == links


def test_the_readme_is_short() -> None:
    assert README.count("\n") <= 150


def test_the_template_of_the_quick_start_has_no_fault() -> None:
    (script,) = (block for block in blocks(QUICK_START, "sh") if block.startswith("cat >template.yaml"))
    template = script.partition("<<'END'\n")[2].rpartition("END\n")[0]
    packaged = template.replace("Code: ./src", "Code: {S3Bucket: my-artifacts, S3Key: app.zip}")
    assert packaged != template
    assert own(packaged) == []


def test_no_sentence_of_the_quick_start_has_more_than_30_words() -> None:
    assert [each for each in sentences(QUICK_START) if len(each.split()) > 30] == []


@NO_SPHINX
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--nitpicky", "--builder", "html"]
    done = subprocess.run([*command, ROOT / "docs", tmp_path], capture_output=True, text=True, timeout=170)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "quick-start.html").exists()
    page = (tmp_path / "reference/provider-stack.html").read_text("utf-8")
    assert 'href="../install.html"' in page
    assert 'blob/main/templates/provider.yaml"' in page

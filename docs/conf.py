"""Builds the site from the pages in this folder (`make docs`), and checks links to the web (`make docs-links`).

The pages are Markdown, which GitHub shows, too. So links to files outside this folder are relative; in the site, they
lead to the repository.

The check of links also asks for the pages that other files of the repository link to, for example in docstrings. It
reports them as links of ``index.md``; ``git grep`` finds the file.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pygments.lexers.javascript import JavascriptLexer
from pygments.lexers.shell import BashLexer

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from cfn_injector import __version__  # noqa: E402 (found by the path above)

REPOSITORY = "https://github.com/cfn-injector/cfn-injector/blob/main/"

project = "cfn_injector"
author = "the authors of cfn_injector"
copyright = "the authors of cfn_injector, Apache License 2.0"  # noqa: A001 (Sphinx's name)
release = version = __version__

extensions = ["myst_parser"]
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_title = f"cfn_injector {release}"
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "source_repository": "https://github.com/cfn-injector/cfn-injector/",
    "source_branch": "main",
    "source_directory": "docs/",
}

linkcheck_timeout = 20  # seconds
linkcheck_retries = 3
linkcheck_ignore = [re.escape(REPOSITORY)]  # a test checks that the files exist
linkcheck_anchors_ignore_for_url = [r"https://github\.com/"]  # scripts of the page make its anchors
linkcheck_allowed_redirects = {  # all others are reported: the page has moved
    r"https://github\.com/.+/security/advisories/new": r"https://github\.com/login\b",
    r"https://nodejs\.org": r"https://nodejs\.org/en\b",
    r"https://pipenv\.pypa\.io/": r"https://pipenv\.pypa\.io/en/latest/",
}

_LINKED_FROM = ("*.md", "*.py", "*.mjs", "*.cjs", "*.ts", "*.yaml", ":!docs", ":!tests/*.py")
"""The other files of the repository, for ``git ls-files``."""
_LINK = re.compile(r"""https?://(?:[\w-]+\.)+[a-z]{2,}(?:/[^\s()\[\]"'<>`,;]*)?""")
_NO_PAGE = re.compile(r"[{}$*|\\]|//[^/]*(?:\bexample\b|\.test\b|\.amazonaws\.)|/2000/svg$")
"""Addresses in examples and in code."""
_NPM_PAGE = re.compile(r"https://www\.npmjs\.com/package/(.+)")


def _link_to_repository(_app: Sphinx, name: str, source: list[str]) -> None:
    """Replaces links to files outside this folder. ``name`` is the page's path in it, without the ending."""
    out = r"\.\./" * len(Path(name).parts)
    source[0] = re.sub(rf"\]\({out}([^)]+)\)", rf"]({REPOSITORY}\1)", source[0])


def _links(text: str) -> set[str]:
    """The pages on the web that a file links to."""
    return {link.rstrip(".:") for link in _LINK.findall(text) if not _NO_PAGE.search(link)}


def _links_of_other_files() -> set[str]:
    command = ["git", "ls-files", "-z", "--", *_LINKED_FROM]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return {link for name in names if name for link in _links((ROOT / name).read_text("utf-8"))}


def _add_links_of_other_files(app: Sphinx, name: str, source: list[str]) -> None:
    """Appends the links to the first page, if they are checked."""
    if app.builder.name == "linkcheck" and name == "index":
        source[0] += "\n\n" + "\n".join(f"- <{link}>" for link in sorted(_links_of_other_files()))


def _npm_registry(_app: Sphinx, uri: str) -> str | None:
    """Where to ask for a package. The site answers programs with status 403."""
    found = _NPM_PAGE.fullmatch(uri)
    return f"https://registry.npmjs.org/{found[1]}" if found else None


def setup(app: Sphinx) -> None:
    """Sphinx calls this."""
    app.connect("source-read", _link_to_repository)
    app.connect("source-read", _add_links_of_other_files)
    app.connect("linkcheck-process-uri", _npm_registry)
    app.add_lexer("mjs", JavascriptLexer)  # a block in this language is an ES module, and a test runs it as one
    app.add_lexer("dotenv", BashLexer)  # GitHub's name for `.env` files

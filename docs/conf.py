"""Builds the site from the pages in this folder: `make docs`.

The pages are Markdown, which GitHub shows, too. So links to files outside this folder are relative; in the site, they
lead to the repository.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pygments.lexers.javascript import JavascriptLexer

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
html_css_files = ["pictures.css"]
html_title = f"cfn_injector {release}"
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "source_repository": "https://github.com/cfn-injector/cfn-injector/",
    "source_branch": "main",
    "source_directory": "docs/",
}


def _link_to_repository(_app: Sphinx, name: str, source: list[str]) -> None:
    """Replaces links to files outside this folder. ``name`` is the page's path in it, without the ending."""
    out = r"\.\./" * len(Path(name).parts)
    source[0] = re.sub(rf"\]\({out}([^)]+)\)", rf"]({REPOSITORY}\1)", source[0])


def setup(app: Sphinx) -> None:
    """Sphinx calls this."""
    app.connect("source-read", _link_to_repository)
    app.add_lexer("mjs", JavascriptLexer)  # a block in this language is an ES module, and a test runs it as one

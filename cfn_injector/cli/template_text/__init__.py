"""The text of a template: parsed to plain data, and edited so that every byte beside the edits stays.

Takes the text of a YAML or JSON template and edits of ``cfn_injector.transform``. Returns the edited text.

    text -> parsed -> Document (data, and where each value stands) -> spliced with edits -> text
"""

from __future__ import annotations

from cfn_injector.cli.template_text.nodes import Document
from cfn_injector.cli.template_text.reading import parsed
from cfn_injector.cli.template_text.splicing import spliced

__all__ = ["Document", "parsed", "spliced"]

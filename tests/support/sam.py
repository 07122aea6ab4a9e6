"""What CloudFormation makes of a template of SAM: a template in the long form goes in, native resources come out."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from cfn_injector.local.emulator import isolated_session


class RefusedError(Exception):
    """SAM does not take the template; the message is SAM's own."""


def translate(template: Mapping[str, Any], **parameters: str) -> dict[str, Any]:
    """The native template, as SAM's own translator makes it. Raises RefusedError."""
    translator = Translator({}, Parser(), boto_session=isolated_session())
    try:
        native: dict[str, Any] = translator.translate(copy.deepcopy(dict(template)), parameters)
    except InvalidDocumentException as error:
        raise RefusedError(" ".join(cause.message for cause in error.causes)) from None
    return native

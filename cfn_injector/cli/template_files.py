"""Finds the templates that come with this project: takes a file name, returns its path.

A wheel contains the templates as ``cfn_injector/templates``; a checkout has them in ``templates`` beside the package.
``importlib.resources`` does not find them in both: setuptools maps no folder without ``__init__.py`` into an editable
install.
"""

from __future__ import annotations

from pathlib import Path

import cfn_injector

_PACKAGE = Path(cfn_injector.__file__).parent
_FOLDERS = (_PACKAGE / "templates", _PACKAGE.with_name("templates"))


def template_path(name: str) -> Path:
    """The path of the template ``name``, such as ``provider.yaml``. Raises FileNotFoundError if there is none."""
    for folder in _FOLDERS:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"cfn-injector has no template {name}")

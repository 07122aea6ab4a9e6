"""Write all pictures to docs/pictures/: ``python -m pictures``."""

from __future__ import annotations

from pictures.files import FOLDER, files

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, "utf-8")

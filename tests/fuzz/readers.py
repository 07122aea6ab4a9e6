"""Other readers find the same entries in what is accepted, and in the results.

``python -m tests.fuzz.readers FOLDER...`` takes folders of inputs. It prints for each reader that is installed how many
archives it was given, and how many of them it refused. The status is 1 if it found other entries in one of them, which
is then named.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from cfn_injector.errors import ArtifactError, EnvFileError
from tests.fuzz.check import ENV, injected
from tests.support.splicing import directory_of
from tests.support.zip_readers import READERS, is_installed


def results(paths: Iterable[Path], folder: Path) -> dict[Path, Path]:
    """The inputs that are accepted, and the files that hold their results."""
    found = {}
    for number, path in enumerate(paths):
        try:
            result = injected(path.read_bytes(), ENV)
        except (ArtifactError, EnvFileError):
            continue
        found[path] = folder / f"{number}.zip"
        found[path].write_bytes(result)
    return found


def main(folders: list[str]) -> int:
    with TemporaryDirectory() as folder:
        pairs = results((path for each in folders for path in sorted(Path(each).iterdir())), Path(folder))
        inputs = {path: path for path in pairs} | {result: path for path, result in pairs.items()}
        ours = [
            [(entry.crc, entry.compressed_size, entry.size) for entry in directory_of(path.read_bytes()).entries()]
            for path in inputs
        ]
        differ = set()
        for reader, read in READERS.items():
            if not is_installed(reader):
                print(f"{reader} is not installed")
                continue
            theirs = read(list(inputs))
            rows = zip(inputs.values(), ours, theirs, strict=True)
            different = {path for path, known, found in rows if found not in (None, known)}
            print(f"{reader}: {len(inputs)} archives, refused {theirs.count(None)}, other entries in {len(different)}")
            differ |= different
    for path in sorted(differ):
        print(f"readers find different entries in {path}")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

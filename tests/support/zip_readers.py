"""What other readers take an archive for: ``unzip``, Go's ``archive/zip`` and Python's ``zipfile``.

Each takes the paths of archives. It returns for each the CRC, the packed size and the size of all entries, in the order
of the central directory; or None if the reader cannot read that archive.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

Rows = list[tuple[int, int, int]] | None

_ENVIRON = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
_LISTED = re.compile(rb"^ *(\d+)  \S+ +(\d+) +-?\d+% \S+ \S+ ([0-9a-f]{8})  ", re.MULTILINE)
_WARNED = 1  # unzip's status if it could read everything all the same
_GO = """
package main

import (
	"archive/zip"
	"bufio"
	"fmt"
	"os"
)

func main() {
	for paths := bufio.NewScanner(os.Stdin); paths.Scan(); {
		archive, err := zip.OpenReader(paths.Text())
		fmt.Print(err == nil)
		if err == nil {
			for _, file := range archive.File {
				fmt.Print(" ", file.CRC32, " ", file.CompressedSize64, " ", file.UncompressedSize64)
			}
			archive.Close()
		}
		fmt.Println()
	}
}
"""


def by_zipfile(paths: Sequence[Path]) -> list[Rows]:
    def read(path: Path) -> Rows:
        try:
            with zipfile.ZipFile(path) as archive:
                return [(info.CRC, info.compress_size, info.file_size) for info in archive.infolist()]
        except Exception:  # zipfile raises many kinds
            return None

    return list(map(read, paths))


def by_unzip(paths: Sequence[Path]) -> list[Rows]:
    def read(path: Path) -> Rows:
        done = subprocess.run(["unzip", "-qqv", path], env=_ENVIRON, capture_output=True)
        if done.returncode > _WARNED:
            return None
        return [(int(crc, 16), int(packed), int(size)) for size, packed, crc in _LISTED.findall(done.stdout)]

    return list(map(read, paths))


def by_go(paths: Sequence[Path]) -> list[Rows]:
    def read(line: str) -> Rows:
        readable, *numbers = line.split()
        values = iter(map(int, numbers))
        return list(zip(values, values, values, strict=True)) if readable == "true" else None

    with TemporaryDirectory() as folder:
        program = Path(folder) / "read.go"
        program.write_text(_GO)
        command = ["go", "run", str(program)]
        done = subprocess.run(command, input="\n".join(map(str, paths)), stdout=subprocess.PIPE, text=True, check=True)
    return list(map(read, done.stdout.splitlines()))


READERS: Mapping[str, Callable[[Sequence[Path]], list[Rows]]] = {
    "unzip": by_unzip,
    "go": by_go,
    "python3": by_zipfile,
}
"""By the names of the programs that have to be installed."""


def is_installed(reader: str) -> bool:
    return reader == "python3" or shutil.which(reader) is not None

"""Fuzz, then keep the inputs that cover more code than the seeds: ``python -m tests.fuzz SECONDS``.

    seeds, kept corpus -> libFuzzer -> build/fuzz/found -> merged -> kept corpus
                                              '-> other readers

An input that fails ends the run. It is in ``build/fuzz``, and the kept corpus does not change.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz import readers
from tests.fuzz.seeds import SEEDS

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
WORK = ROOT / "build" / "fuzz"
FOUND, STARTS, MERGED = WORK / "found", WORK / "seeds", WORK / "merged"

# Seconds and MB. An input takes less than a millisecond; the process takes 45 MB.
LIMITS = ("-max_len=2048", "-timeout=10", "-rss_limit_mb=256")
# Messages for every input, or about libFuzzer itself.
NOISE = re.compile(r"#\d+\s+(NEW|REDUCE)|MERGE-|INFO: Instrumenting|WARNING: Failed to find function|###|\"")


def fuzz(*arguments: str | Path) -> int:
    """The exit status of libFuzzer."""
    command = [sys.executable, "-m", "tests.fuzz.target", *LIMITS, *arguments]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stderr
        for line in process.stderr:
            if not NOISE.match(line):
                sys.stderr.write(line)
    return process.returncode


def write_seeds(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for index, data in enumerate(SEEDS.values()):
        (folder / f"seed-{index}").write_bytes(data)


def keep() -> int:
    """Reduces the corpus to the fewest inputs with the same coverage. Returns 0 on success."""
    write_seeds(MERGED)
    if status := fuzz("-set_cover_merge=1", MERGED, CORPUS, FOUND):
        return status
    for path in CORPUS.iterdir():
        path.unlink()
    for path in MERGED.iterdir():
        if not path.name.startswith("seed-"):
            shutil.copy(path, CORPUS)
    sizes = [path.stat().st_size for path in CORPUS.iterdir()]
    print(f"{CORPUS.relative_to(ROOT)} holds {len(sizes)} inputs, {sum(sizes)} bytes")
    return 0


def main(seconds: str) -> int:
    if find_spec("atheris") is None:
        print("atheris is for Python 3.11 to 3.14 on Linux, x86-64: make clean fuzz PYTHON=python3.12", file=sys.stderr)
        return 2
    write_seeds(STARTS)
    FOUND.mkdir(exist_ok=True)
    once = (f"-max_total_time={seconds}", "-use_value_profile=1", "-print_final_stats=1", f"-artifact_prefix={WORK}/")
    if status := fuzz(*once, FOUND, STARTS, CORPUS):
        print(
            f"See above which input fails. Run it by: {sys.executable} -m tests.fuzz.target FILE\n"
            f"When that works, move it to {CORPUS.relative_to(ROOT)}, whose inputs are tests.",
            file=sys.stderr,
        )
        return status
    return readers.main([str(FOUND), str(STARTS), str(CORPUS)]) or keep()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

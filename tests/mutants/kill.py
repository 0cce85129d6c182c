"""Faults put into a copy of the tree, one by one, and the test that must fail for each.

`python tests/mutants/kill.py [--only WORDS]` takes those of mutants.yaml; status 1 where one survives.
Each test runs in a fork of this process, which has imported what is slow.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

os.environ |= {
    "OMP_WAIT_POLICY": "passive",
    "OMP_NUM_THREADS": "1",
    "NO_ALBUMENTATIONS_UPDATE": "1",
}

import yaml

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SLOW = ("albumentations", "hypothesis", "pandas", "pytorch_lightning", "sklearn", "timm", "torch", "torchmetrics")  # fmt: skip
HOW = ("-x", "-p", "no:cacheprovider", "--hypothesis-profile=unshrunk")
FAILED = 1  # pytest's status where tests ran and some failed; others say that none ran

Mutant = Mapping[str, str]


def read_mutants() -> list[Mutant]:
    """Every fault: name, file, before, after, test."""
    return yaml.safe_load((HERE / "mutants.yaml").read_text(encoding="utf-8"))


def mutated(mutant: Mutant, root: Path = ROOT) -> str:
    """The content of its file with the fault; raises ValueError if its place is not there once."""
    content = (root / mutant["file"]).read_text(encoding="utf-8")
    if (times := content.count(mutant["before"])) != 1:
        raise ValueError(f"{mutant['name']}: {mutant['before']!r} stands {times} times in {mutant['file']}")  # fmt: skip
    return content.replace(mutant["before"], mutant["after"])


def copy_tree(to: Path) -> Path:
    """What git knows or would know, as it is now; data sets stay where they are."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, to / name)
    return to


@contextlib.contextmanager
def fault(mutant: Mutant, tree: Path) -> Iterator[None]:
    """The fault is in the tree within."""
    place, sound = tree / mutant["file"], (tree / mutant["file"]).read_bytes()
    place.write_text(mutated(mutant, tree), encoding="utf-8")
    try:
        yield
    finally:
        place.write_bytes(sound)


def run_tests(tests: list[str], tree: Path, log: Path) -> int:
    """Status of pytest on some tests in a tree, in a process of its own."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    status = 70
    try:
        number = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        os.dup2(number, 1)
        os.dup2(number, 2)
        os.chdir(tree)
        sys.path.insert(0, str(tree))
        os.environ["PYTHONPATH"] = str(tree)  # for what tests start
        sys.dont_write_bytecode = True
        import pytest

        status = int(pytest.main([*HOW, *tests]))
    finally:
        sys.stdout.flush()
        os._exit(status)


def main() -> int:
    """Try all, and say which survive."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="those whose name or file holds these words")
    only = parser.parse_args().only
    mutants = [m for m in read_mutants() if only in m["name"] or only in m["file"]]
    for name in SLOW:
        __import__(name)
    with tempfile.TemporaryDirectory(prefix="mutants.") as folder:
        tree, log = copy_tree(Path(folder) / "tree"), Path(folder) / "log"
        tests = sorted({m["test"] for m in mutants})
        if status := run_tests(tests, tree, log):
            print(log.read_text(), f"without any fault the tests end with {status}", sep="\n")
            return 1
        survivors = []
        for mutant in mutants:
            started = time.monotonic()
            with fault(mutant, tree):
                status = run_tests([mutant["test"]], tree, log)
            killed = status == FAILED
            survivors += [] if killed else [mutant["name"]]
            told = "killed" if killed else f"SURVIVES ({status})"
            print(f"{told:8} {time.monotonic() - started:6.1f} s  {mutant['name']}", flush=True)
    print(f"{len(mutants) - len(survivors)} of {len(mutants)} killed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())

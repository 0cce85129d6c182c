"""The experiments that are written as tests (`pytest tests/faults -m faults`), as rows of the table."""

import subprocess
import sys
import xml.etree.ElementTree as Tree
from pathlib import Path

from place import ROOT, Place, Row


def cases(place: Place) -> list[Row]:
    """Run them; a row each, with what they noted."""
    report = place.fresh("report")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "tests/faults",
        "-m",
        "faults",
        f"--junitxml={report}",
    ]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    return [_row(case) for case in Tree.parse(report).getroot().iter("testcase")]


def _row(case: Tree.Element) -> Row:
    file = ROOT / Path(*case.attrib["classname"].split(".")).with_suffix(".py")
    noted = [f"{p.attrib['name']} {p.attrib['value']}" for p in case.iter("property")]
    wrong = [w.attrib.get("message", "") for kind in ("failure", "error") for w in case.iter(kind)]
    told = "; ".join(noted) or f"passed in {float(case.attrib['time']):.0f} s"
    return Row(
        _promise(file).splitlines()[0].rstrip("."),
        case.attrib["name"].removeprefix("test_").replace("_", " "),
        "failed" if wrong else told,
        not wrong,
        wrong,
    )


def _promise(file: Path) -> str:
    """What its docstring says first."""
    return file.read_text(encoding="utf-8").split('"""')[1]

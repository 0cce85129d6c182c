"""The benchmarks' plumbing, on the CPU and for moments; their numbers are made by `make bench` and `make bench-gpu`."""

import csv
import subprocess
import sys
from pathlib import Path

from tests.bench.tables import Results, Row

ROOT = Path(__file__).parents[2]


def test_limits_are_of_medians():
    assert Row("a", [1.0, 2.0, 9.0], at_most=2.0).holds
    assert not Row("a", [1.0, 2.1, 0.0], at_least=1.5).holds
    results = Results()
    assert results.held("a", [3.0], at_most=2) == "at most 2: no"
    assert results.held("b", [3.0]) == ""
    assert results.missed() == ["a: 3, at most 2"]


def test_a_part_renews_its_own_rows(tmp_path):
    for renew, value in ((False, 1.0), (True, 2.0)):
        results = Results()
        for name in ("a", "b")[renew:]:
            results.held(name, [value], at_most=1.5)
        results.write(tmp_path / "bench.csv", renew)
    with (tmp_path / "bench.csv").open(encoding="utf-8") as file:
        rows = [(row["name"], row["median"], row["holds"]) for row in csv.DictReader(file)]
    assert rows == [("a", "1", "yes"), ("b", "2", "no")]


def test_the_numbers_of_an_accelerator_have_their_places(tmp_path):
    words = ["--seconds", "0.1", "--per-class", "12", "--backbone", "test_resnet", "--size", "32"]
    words += ["--batch", "8", "--workers", "0", "--out", str(tmp_path / "gpu.csv")]
    command = [sys.executable, "tests/bench/gpu.py", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    with (tmp_path / "gpu.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 4 * 2
    assert all(float(row["median"]) > 0 for row in rows if "images a second" in row["name"])

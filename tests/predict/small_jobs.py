"""The verb predict as tests call it, and what it leaves."""

import csv

from modular_cls.cli import main


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def predict(run_dir, out, *words):
    return main(["predict", str(run_dir), *map(str, words), "--out", str(out)])


def left(folder):
    return sorted(p.name for p in folder.iterdir() if p.name.startswith("."))

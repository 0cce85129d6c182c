"""A small drawn data set that a test may spoil, and the audit of it through the command line."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from modular_cls.cli import main

MODULAR = Path(__file__).parent.parent.parent / "configs" / "modular.yaml"


class Faces:
    """A copy of the drawn faces; rows are dicts, and `rows[0]` is row 2 of the table."""

    def __init__(self, folder, capsys):
        self.folder, self.capsys = folder, capsys
        with (folder / "manifest.csv").open() as file:
            self.rows = list(csv.DictReader(file))

    def path(self, number):
        return self.folder / self.rows[number]["path"]

    def write(self):
        with (self.folder / "manifest.csv").open("w", newline="") as file:
            writer = csv.DictWriter(
                file, list(dict.fromkeys(key for row in self.rows for key in row)), restval=""
            )
            writer.writeheader()
            writer.writerows(self.rows)

    def data_config(self):
        """A configuration of these data, with nothing made scarce."""
        path = self.folder / "data.yaml"
        path.write_text(f"data: {{manifest: {self.folder / 'manifest.csv'}, scarcity: null}}\n")
        return path

    def audit(self, *flags, config=None):
        """Exit status, what was printed, and what was found by name."""
        self.write()
        self.capsys.readouterr()
        if config is None:
            config = ["--config", str(MODULAR), "--config", str(self.data_config())]
        out = self.folder / "audit.json"
        status = main(
            ["audit", str(self.folder / "manifest.csv"), *config, "--json", str(out), *flags]
        )
        text = self.capsys.readouterr().out
        report = json.loads(out.read_text())
        assert status == (1 if report["errors"] else 0)
        self.report = report
        return status, text, {finding["name"]: finding for finding in report["findings"]}

    def found(self, *flags, config=None):
        return self.audit(*flags, config=config)[2]


@pytest.fixture
def faces(faces_dir, tmp_path, capsys):
    shutil.copytree(faces_dir, tmp_path / "faces")
    return Faces(tmp_path / "faces", capsys)

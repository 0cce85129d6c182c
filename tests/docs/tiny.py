"""A folder in which the documents' commands run at a tiny size, and how each is run."""

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from PIL import Image

from modular_cls.cli import main
from tests.docs.pages import ROOT, commands

_SHARED = ("configs", "data_prep", "examples", "Makefile", "pyproject.toml")
_SMALL = {
    "data": {"image_size": 32, "batch_size": 8, "workers": 0},
    "training": {"updates": 3, "validate_every": 0, "threads": 1},
    "heads": {"ridges": [1e-4, 1e-2], "folds": 2},
}
# What makes a verb tiny; what a page says of size comes before, and gives way.
_FLAGS = {
    "faces": ["--per-class", "12", "--overwrite"],
    "train": ["--config", "tiny.yaml"],
    "study": ["--also+=tiny.yaml", "--keep=[0, 5]", "--seeds=[0]", "--processes=1"],
    "export": ["--no-onnx"],
}
_CLASSES = {"short_female": "bolt_none", "short_male": "bolt_crack",
            "long_female": "nut_none", "long_male": "nut_crack"}  # fmt: skip


class World:
    """A folder like a checkout, with tiny drawn faces, a tiny network and two runs.

    Args:
        folder: Where it is made.
        faces: Drawn faces.
        network: A timm folder.
    """

    def __init__(self, folder, faces, network):
        self.folder = folder
        for name in _SHARED:
            (folder / name).symlink_to(ROOT / name)
        (folder / "tiny.yaml").write_text(yaml.safe_dump(_SMALL))
        shutil.copytree(faces, folder / "data" / "faces")
        shutil.copytree(network, folder / "data" / "efficientnet_lite0")
        os.utime(folder / "data" / "efficientnet_lite0" / "config.json")  # newer than its script
        pictures = sorted((faces / "test").glob("*.png"))
        for folder_name in ("photos", "more"):
            (folder / folder_name).mkdir()
        for picture in pictures[::8]:
            shutil.copy(picture, folder / "photos")
            Image.open(picture).save(folder / "more" / f"{picture.stem}.jpg")
        Image.open(pictures[0]).save(folder / "picture.jpg")

    def sort_pictures(self, where, names):
        """Pictures in one folder for each joint class, whose names are given."""
        for picture in sorted((self.folder / "data" / "faces").rglob("*.png")):
            kind = picture.stem.rpartition("_")[0]
            to = self.folder / where / names.get(kind, kind)
            to.mkdir(parents=True, exist_ok=True)
            shutil.copy(picture, to / f"{picture.parent.name}_{picture.name}")

    def prepare(self, page):
        """What a page takes for granted."""
        if page == "README.md":
            self.sort_pictures("pictures", _CLASSES)
        if page in ("README.md", "photographs.md"):
            self.sort_pictures("my/folder", {})
        if page == "studies.md":
            (self.folder / "mine.yaml").write_text("data: {manifest: data/faces/manifest.csv}")
        if page == "use.md":
            for method in ("modular", "flat"):
                run_line(f"modular-cls train --config configs/{method}.yaml --out runs/{method}")

    def run(self, block, names):
        """Run a block; `names` are those of the page's Python blocks so far."""
        if block.language == "sh":
            for line in commands(block.text):
                run_line(line)
        elif block.language == "python":
            exec(compile(block.text, "block", "exec"), names)
        elif block.language == "yaml":
            self.keep(block.text)

    def keep(self, text):
        """Write a configuration to the file that its first line names."""
        assert isinstance(yaml.safe_load(text), dict)
        name = re.match(r"# (\w+\.yaml)\n", text)
        assert name, "the first line of a configuration says in which file it stands: # mine.yaml"
        (self.folder / name[1]).write_text(text)


def run_line(line):
    """Run one command line at a tiny size; raises where it fails, or none knows how to run it."""
    words = shlex.split(line, comments=True)
    program, *rest = words
    if program == "modular-cls":
        assert main([*rest, *_FLAGS.get(rest[0], [])]) == 0, line
    elif program == "python":
        run_script(*rest)
    elif program == "make":
        run_make(rest)
    elif program == "pip":
        check_extras(rest)
    else:
        pytest.fail(f"no test knows how to run: {line}")


def run_script(path, *arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [path, *arguments])
        patch.syspath_prepend(str(Path(path).parent))
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as left:  # a script says its status
            if left.code:
                raise


def run_make(words):
    """What make would run, without the environment that it would make; that it has one is given."""
    told = subprocess.run(["make", "--dry-run", *words], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    lines = commands(told.stdout)
    assert lines, words
    for line in lines:
        program, _, rest = line.partition(" ")
        if program == ".venv/bin/modular-cls":
            run_line(f"modular-cls {rest}")
        elif program == ".venv/bin/python" and rest.startswith("data_prep/"):
            run_line(f"python {rest}")


def check_extras(words):
    """An extra that a page wants installed exists."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for asked in re.findall(r"modular-cls\[([\w,]+)\]", " ".join(words)):
        assert set(asked.split(",")) <= extras.keys(), asked

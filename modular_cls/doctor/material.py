"""Pretrained weights and data sets that are at hand, as the configurations name them."""

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path

from modular_cls.config import DATA_VARIABLE, expand
from modular_cls.config.bases import read_yaml
from modular_cls.config.shipped import packaged_configs
from modular_cls.doctor.finding import Finding
from modular_cls.errors import ConfigError

_LOCAL, _FACES = "local-dir:", "faces"
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # as timm writes them


def find_weights() -> Finding:
    """Folders of timm's in data/, and those that a configuration names and that are not there."""
    named: dict[Path, Path] = {}
    for file, folder in _named_weights():
        named.setdefault(folder, file)
    there = [f.parent for f in sorted(Path("data").glob("*/config.json"))]
    there += [folder for folder in named if folder not in there and _is_network(folder)]
    lines = [f"{folder}: {_architecture(folder)}" for folder in there if _is_network(folder)]
    lines += [f"{folder}: not there; {file} says how" for folder, file in named.items()
              if not _is_network(folder)]  # fmt: skip
    return Finding("weights", lines or ["none in data/"])


def find_data() -> Finding:
    """Manifests that are there, and those that a configuration names and that are not."""
    lines = [f"{DATA_VARIABLE} is {os.environ.get(DATA_VARIABLE) or 'not set'}"]
    manifests = dict.fromkeys(sorted(Path("data").glob("*/manifest.csv")))
    absent = []
    for file, path in _named_manifests():
        if path and path.is_file():
            manifests[path] = None
        else:
            absent.append(file.stem)
    lines += [f"{path}: {_rows(path):,} rows" for path in manifests]
    if not any(_FACES in path.parts for path in manifests):
        lines.append("the built-in faces are not drawn: modular-cls faces --out data/faces")
    if absent:
        missing = f"not there: {', '.join(absent)}"
        lines.append(f"{missing} (configs/data/NAME.yaml says how to get each)")
    return Finding("data sets", lines)


def _named_weights() -> Iterator[tuple[Path, Path]]:
    """Configurations of a backbone, and the folder of weights that each names."""
    for file in packaged_configs("backbone"):
        name = str((read_yaml(file).get("backbone") or {}).get("name", ""))
        if name.startswith(_LOCAL):
            yield _short(file), Path(name.removeprefix(_LOCAL))


def _named_manifests() -> Iterator[tuple[Path, Path | None]]:
    """Configurations of a data set, and the manifest that each names; None without its folder."""
    for file in packaged_configs("data"):
        try:
            yield file, expand(str((read_yaml(file).get("data") or {})["manifest"]))
        except (ConfigError, KeyError):
            yield file, None


def _is_network(folder: Path) -> bool:
    weights = any((folder / name).is_file() for name in _WEIGHTS)
    return weights and (folder / "config.json").is_file()


def _architecture(folder: Path) -> str:
    try:
        return str(json.loads((folder / "config.json").read_text("utf-8"))["architecture"])
    except (OSError, ValueError, KeyError, TypeError):
        return "config.json is damaged, or describes no network of timm"


def _rows(path: Path) -> int:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        return max(0, sum(1 for _ in csv.reader(file)) - 1)


def _short(file: Path) -> Path:
    return Path("configs", *file.parts[file.parts.index("configs") + 1 :])

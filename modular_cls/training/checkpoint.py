"""Checkpoints: what a training needs to go on exactly, written so that none is ever half there.

They lie in the run folder, `checkpoints/update_310.ckpt` and so on, the last two of them, until the
run is complete and takes the folder's place. A file is the digest of its content, then the content;
one that does not fit its digest is named and the one before is used.
"""

import hashlib
import io
import json
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from modular_cls.errors import ConfigError
from modular_cls.files import replacing_file
from modular_cls.runs.weights import read_json

FOLDER = "checkpoints"
TERMS = "training.json"  # which training it is; lies there from the first minute on
_HEADER = b"modular_cls checkpoint 1\n"
_KEPT = 2  # where the newest is damaged, the one before is used
_SHOWN = 5


class Checkpoints:
    """The checkpoints of one training.

    Args:
        folder: Where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made: list[Path] = []  # folders that were not there before

    def begin(self, terms: Mapping[str, Any], resume: bool, size: int) -> None:
        """Try the folder before anything slow, and clear it unless this training is resumed.

        Args:
            terms: What makes it this training and no other, as JSON.
            resume: Go on from what is there.
            size: Bytes of one checkpoint.

        Raises:
            ConfigError: If there is no room, or what is there is of another training.
            OSError: If the folder cannot be written to.
        """
        wanted = json.loads(json.dumps(terms))  # tuples as lists
        if resume and self.files():
            self._check(wanted)
        else:
            self.clear()
        self._made = [f for f in (self.folder, *self.folder.parents) if not f.exists()]
        self.folder.mkdir(parents=True, exist_ok=True)
        # Those kept, one that is being written beside them, and the weights in the end.
        free, needed = shutil.disk_usage(self.folder).free, (_KEPT + 2) * size + 2**20
        if needed > free:
            raise ConfigError(
                f"{self.folder} has {free / 2**20:,.0f} MiB free; training needs about "
                f"{needed / 2**20:,.0f} MiB for checkpoints and weights"
            )
        with replacing_file(self.folder / TERMS) as partial:
            partial.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")

    def files(self) -> list[Path]:
        """The checkpoints, the newest first."""
        file_of = {update: file for file in self.folder.glob("*.ckpt") if (update := _update(file))}
        return [file_of[update] for update in sorted(file_of, reverse=True)]

    def saved(self) -> str:
        """What is saved, for the user."""
        files = self.files()
        if not files:
            return "nothing is saved yet"
        return f"update {_update(files[0])} is saved in {files[0]}"

    def write(self, state: Mapping[str, Any], update: int) -> Path:
        """Write the state after an update, and then take away all but the last two."""
        path = self.folder / f"update_{update}.ckpt"
        buffer = io.BytesIO()
        torch.save(dict(state), buffer)
        content = buffer.getbuffer()
        digest = hashlib.sha256(content).hexdigest().encode()
        with replacing_file(path) as partial, partial.open("wb") as file:
            file.writelines((_HEADER, digest, b"\n", content))
        for old in self.files()[_KEPT:]:
            old.unlink()
        return path

    def newest(self) -> tuple[Path, dict[str, Any]] | None:
        """The newest checkpoint that is whole; those that are not are named on standard error."""
        for path in self.files():
            try:
                return path, read_checkpoint(path)
            except ConfigError as error:
                print(f"{error}; the one before is used", file=sys.stderr)
        return None

    def clear(self) -> None:
        """Take them all away."""
        for file in [*self.files(), *self.folder.glob(".*.partial"), self.folder / TERMS]:
            file.unlink(missing_ok=True)

    def leave(self) -> None:
        """If nothing is saved, leave no trace."""
        if not self.files():
            self.clear()
            for folder in self._made:
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()

    def _check(self, terms: dict[str, Any]) -> None:
        there, here = _flat(read_json(self.folder / TERMS)), _flat(terms)
        differ = [
            f"{key} is {here.get(key)!r}, was {there.get(key)!r}"
            for key in sorted(there.keys() | here.keys())
            if there.get(key) != here.get(key)
        ]
        if differ:
            raise ConfigError(
                f"{self.folder} is of another training: {'; '.join(differ[:_SHOWN])}. Resume with "
                "the configuration and the pictures that it began with, or begin anew with "
                "--overwrite"
            )


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint; raises ConfigError, naming the file, if it is not whole."""
    try:
        header, digest, content = path.read_bytes().split(b"\n", 2)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} is corrupt: {error}") from None
    if header + b"\n" != _HEADER or hashlib.sha256(content).hexdigest().encode() != digest:
        raise ConfigError(f"{path} is truncated or changed: its digest does not fit")
    state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return state


def _update(file: Path) -> int | None:
    match = re.fullmatch(r"update_(\d+)\.ckpt", file.name)
    return int(match.group(1)) if match else None


def _flat(terms: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in terms.items():
        name = f"{where}.{key}" if where else key
        flat |= _flat(value, name) if isinstance(value, dict) else {name: value}
    return flat

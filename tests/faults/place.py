"""Where the experiments take place: small pictures, a small run, and commands on them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import forked
import yaml

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Row:
    """A line of the page: what is promised, what was done, what came of it."""

    promise: str
    experiment: str
    result: str
    held: bool
    wrong: list[str] = field(default_factory=list)


class Place:
    """A folder with 48 faces a class.

    Args:
        root: An empty folder.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.faces = root, root / "faces"
        self._numbers: Iterator[int] = count()
        self.done(["faces", "--out", str(self.faces), "--per-class", "48"])

    def fresh(self, name: str) -> Path:
        """A path that is not there yet."""
        return self.root / f"{name}{next(self._numbers)}"

    def done(self, arguments: list[str]) -> forked.End:
        """Run a command to its end."""
        end = forked.run(arguments, self.fresh("log"))
        if end.status:
            raise RuntimeError(f"{arguments}: {end.told}")
        return end

    def train(self, out: Path, *flags: str, method: str = "modular") -> list[str]:
        """A training of some seconds: 60 updates, saved every 10, validated every 20."""
        data = {"manifest": self.faces / "manifest.csv", "image_size": 32, "batch_size": 16, "workers": 1, "scarcity": "null"}  # fmt: skip
        training = {"updates": 60, "validate_every": 20, "save_every": 10, "threads": 1}
        given = [*(f"--data.{k}={v}" for k, v in data.items()), *(f"--training.{k}={v}" for k, v in training.items())]  # fmt: skip
        config = ROOT / "configs" / f"{method}.yaml"
        return ["train", "--config", str(config), *given, *flags, "--out", str(out)]

    def run(self) -> Path:
        """A finished run."""
        out = self.root / "run"
        if not out.is_dir():
            self.done(self.train(out))
        return out

    def study(self) -> Path:
        """A study of three methods, two of which share a fit."""
        also, grid = self.root / "also.yaml", self.root / "study.yaml"
        data = {"manifest": str(self.faces / "manifest.csv"), "image_size": 32, "batch_size": 16, "workers": 0}  # fmt: skip
        training = {"updates": 30, "validate_every": 0, "save_every": 10, "threads": 1}
        also.write_text(yaml.safe_dump({"data": data, "training": training}))
        methods = [
            str(ROOT / "configs" / f"{m}.yaml") for m in ("flat", "flat_retrained", "product")
        ]
        grid.write_text(yaml.safe_dump({"methods": methods, "keep": [5], "seeds": [0], "also": [str(also)]}))  # fmt: skip
        return grid

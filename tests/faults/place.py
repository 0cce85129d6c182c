"""Where the experiments take place: small pictures, a small run, and commands on them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import forked
import yaml
from small_networks import write_network

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
        self.many, self.network = root / "many", root / "network"
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

    def frozen(self, out: Path, *flags: str) -> list[str]:
        """A frozen fit of some seconds: 640 pictures to train on, so features in several shards."""
        if not self.many.is_dir():
            self.done(["faces", "--out", str(self.many), "--per-class", "160"])
            write_network(self.network, seed=0)
        given = {"data.manifest": self.many / "manifest.csv", "data.image_size": 32, "data.scarcity": "null", "data.workers": 0,
                 "backbone.name": f"local-dir:{self.network}", "backbone.pretrained": "true", "backbone.frozen": "true",
                 "backbone.args": "{}", "heads.folds": 3, "heads.ridges": "[1e-3, 1e-2, 1e-1]", "training.threads": 1}  # fmt: skip
        config = ROOT / "configs" / "modular.yaml"
        words = [f"--{key}={value}" for key, value in given.items()]
        return ["train", "--config", str(config), *words, *flags, "--out", str(out)]

    def frozen_run(self) -> Path:
        """A finished run on frozen features."""
        out = self.root / "frozen"
        if not out.is_dir():
            self.done(self.frozen(out))
        return out

    def run(self) -> Path:
        """A finished run."""
        out = self.root / "run"
        if not out.is_dir():
            self.done(self.train(out))
        return out

    def study(self, frozen: bool = False) -> Path:
        """A study of three methods, two of which share a fit."""
        kind = "_frozen" if frozen else ""
        also, grid = self.root / f"also{kind}.yaml", self.root / f"study{kind}.yaml"
        data = {"manifest": str(self.faces / "manifest.csv"), "image_size": 32, "batch_size": 16, "workers": 0}  # fmt: skip
        training = {"updates": 30, "validate_every": 0, "save_every": 10, "threads": 1}
        backbone = {"name": f"local-dir:{self.network}", "pretrained": True, "frozen": True, "args": {}}  # fmt: skip
        more = {"backbone": backbone} if frozen else {}
        also.write_text(yaml.safe_dump({"data": data, "training": training, **more}))
        names = ("flat", "flat_logit_adjusted" if frozen else "flat_retrained", "product")
        methods = [str(ROOT / "configs" / f"{name}.yaml") for name in names]
        grid.write_text(yaml.safe_dump({"methods": methods, "keep": [5], "seeds": [0], "also": [str(also)]}))  # fmt: skip
        return grid

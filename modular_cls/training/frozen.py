"""A fit on a frozen backbone: every picture passes the network once, the heads are solved."""

import time
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

from torch import Tensor

from modular_cls.config import Config
from modular_cls.data.preparation import Pixels
from modular_cls.features.extract import extract_features
from modular_cls.features.spread import spread_features
from modular_cls.finish import Features
from modular_cls.training.announce import announce_repeated
from modular_cls.training.checkpoint import Checkpoints
from modular_cls.training.evaluate import evaluate_features
from modular_cls.training.fit import Fit
from modular_cls.training.solved import check_solvable, solve_heads


class FrozenFit(Fit):
    """Heads solved on the features of a network that stays as it is.

    Args:
        config: What to fit, with `backbone.frozen`.
        progress: Show progress bars.

    Attributes:
        ridges: After `run`, by problem: the ridge chosen, its loss, and whether it is at the edge.

    Raises:
        ConfigError: If there are images of one class only.
        UndefinedError: If the method is no convex problem on frozen features.
    """

    def __init__(
        self, config: Config, progress: bool = False, checkpoints: Checkpoints | None = None
    ) -> None:
        super().__init__(config, progress, checkpoints)
        check_solvable(self.model, self.task.criterion, self.counts["train"])
        self.ridges: dict[str, dict[str, Any]] = {}
        self._features: dict[str, Tensor] = {}
        self._scores: dict[str, Tensor] = {}

    def spread(self, executor: Executor) -> None:
        """Let workers that see the same files extract the features first, into the shared cache."""
        digest = self.described.digest
        assert digest is not None  # frozen
        pixels = Pixels.of(self.resolved(self.config).data)
        for dataset in self.data.datasets.values():
            spread_features(executor, dataset.manifest, pixels, self.backbone, digest)

    def run(self, progress: bool = True) -> None:
        """Extract the features that no earlier run has, then solve the heads."""
        if not self._features:
            self._features = self._extract(progress)
            self.data.find_repeated(read=True)
        announce_repeated(self.data)
        balanced = self.config.data.sampling == "balanced"
        how, seed = self.config.heads, self.config.seed
        solved = solve_heads(
            self.model, self.task.criterion, self.features("train"), how, seed, balanced
        )
        self.ridges, self._scores = solved.ridges, solved.scores
        if progress:
            self._tell_ridges()
        self.weights = {name: t.clone() for name, t in self.model.head_weights().items()}
        self.seconds = time.monotonic() - self._started

    def share_features(self, earlier: Fit) -> None:
        """Take over the features of an earlier fit, if it saw the same pictures."""
        if isinstance(earlier, FrozenFit) and _pictures(earlier.config) == _pictures(self.config):
            self._features, self.data.repeated = earlier._features, earlier.data.repeated

    def _tell_ridges(self) -> None:
        for name, chosen in self.ridges.items():
            edge = ", at the edge of heads.ridges: a better one may lie outside"
            warning = edge if chosen["at_edge"] else ""
            print(f"  {name}: ridge {chosen['ridge']:.0e} by cross-validation{warning}")

    def facts(self) -> dict[str, Any]:
        """No updates, no rate: the ridge of each problem instead, the first one's by itself."""
        first = next(iter(self.ridges.values()), {}).get("ridge")
        chosen = self.config.training  # the trials of a knob; those of rates mean nothing here
        trials = None if chosen.edges is None else chosen.trials
        none = {"updates": None, "learning_rate": None, "trials": trials}
        return none | {"ridge": first, "ridges": self.ridges}

    def restore(self) -> None:
        """Put the heads back to where the fit left them."""
        self.model.load_state_dict(self.weights, strict=False)

    def features(self, kind: str) -> Features:
        """Features of images of a kind; those in training with their out-of-fold scores."""
        rows = self.data.datasets[kind].manifest
        identity = rows.extra.get("identity")
        return Features(
            self._features[kind],
            self.data.datasets[kind].targets,
            self._scores or None if kind == "train" else None,
            None if identity is None else list(map(str, identity)),
        )

    def evaluate(self, split: str, progress: bool) -> dict[str, Any]:
        """Metrics of the model on a split, by output."""
        scarce = [dict(s.joint_class) for s in self.config.data.scarcities]
        evaluated = evaluate_features(self.model, self.features(split), scarce)
        results, self.task.predicted = evaluated
        return results

    def saved_weights(self) -> dict[str, Tensor]:
        """The heads' weights; those of the network are known by their digest."""
        return self.model.head_weights()

    def _extract(self, progress: bool) -> dict[str, Tensor]:
        """Features of every kind of images, in one pass."""
        kinds = {kind: d.manifest for kind, d in self.data.datasets.items()}
        title = "Features" if progress else ""
        network = self.model.backbone
        digest = self.described.digest
        assert digest is not None  # frozen
        pixels = Pixels.of(self.resolved(self.config).data)
        return {
            kind: extract_features(rows, pixels, network, digest, title and f"{title}, {kind}")
            for kind, rows in kinds.items()
        }


def _pictures(config: Config) -> tuple[object, ...]:
    """What decides which pictures a fit sees, and what their features are."""
    data = replace(config.data, sampling="shuffled", workers=0)
    return config.seed, config.schema, config.backbone, data

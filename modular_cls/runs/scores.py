"""Attribute scores of training images, kept with a run.

What the bias of joint classes to come is fitted on.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from modular_cls.errors import ConfigError
from modular_cls.models.heads import Additive
from modular_cls.models.joint_classifier import JointClassifier
from modular_cls.models.modular import ModularClassifier
from modular_cls.schema import Attribute, Composite, Schema

FILE = "scores.safetensors"
MOST_IMAGES = 20_000


@dataclass(frozen=True)
class AttributeScores:
    """Scores and labels of N images.

    Attributes:
        attributes: Names, in order.
        scores: By attribute, shape (N, values), half precision; what an image has no score of is
            nan.
        labels: Index of the value of each attribute, shape (N, attributes), int16; -1 where
            unknown.
        kinds: The different rows of labels among all images, of which N are kept; shape (kinds,
            attributes), int16.
        counts: How many images there are of each kind, shape (kinds,), int64.
    """

    attributes: tuple[str, ...]
    scores: dict[str, Tensor]
    labels: Tensor
    kinds: Tensor
    counts: Tensor

    @classmethod
    def draw(
        cls,
        schema: Schema,
        scores: Mapping[str, Tensor],
        targets: Mapping[str, Tensor],
        seed: int,
        most: int = MOST_IMAGES,
    ) -> "AttributeScores":
        """Keep at most so many images with a label, evenly over the different rows of labels."""
        names = tuple(a.name for a in schema.attributes)
        labels = torch.stack([targets[name].cpu() for name in names], dim=1).to(torch.int16)
        labelled = (labels >= 0).any(1).nonzero()[:, 0]
        kinds, kind, counts = labels[labelled].unique(
            dim=0, return_inverse=True, return_counts=True
        )
        kept = labelled[_draw_evenly(kind, counts, most, seed)]
        chosen = {name: scores[name].detach().cpu()[kept].half().contiguous() for name in names}
        return cls(names, chosen, labels[kept], kinds, counts)

    def write(self, folder: Path) -> None:
        """Write them into a run folder."""
        tensors = {"labels": self.labels, "kinds": self.kinds, "counts": self.counts}
        tensors |= {f"score/{name}": self.scores[name] for name in self.attributes}
        # save_file() would make a file that only its owner may read
        (folder / FILE).write_bytes(save(tensors, {"attributes": json.dumps(self.attributes)}))

    @classmethod
    def read(cls, folder: Path) -> "AttributeScores":
        """Read those of a run folder; raises ConfigError if it holds none, or broken ones."""
        if not (folder / FILE).is_file():
            raise ConfigError(f"{folder} holds no {FILE}, which runs of ModularClassifier with "
                              "Additive heads write; train it again")  # fmt: skip
        try:
            with safe_open(folder / FILE, framework="pt") as file:
                names = tuple(json.loads(file.metadata()["attributes"]))
                scores = {name: file.get_tensor(f"score/{name}") for name in names}
                return cls(
                    names, scores, *(file.get_tensor(n) for n in ("labels", "kinds", "counts"))
                )
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"{folder / FILE} is corrupt: {error}") from None

    def together(self, attributes: Sequence[Attribute]) -> int:
        """How many images know all of these attributes, those that were not kept included."""
        known = self._columns(self.kinds, attributes) >= 0
        return int(self.counts[known.all(1)].sum())

    def count(self, joint: Composite) -> Tensor:
        """Images of each joint class, those that were not kept included, shape (classes,)."""
        total = torch.zeros(joint.size, dtype=torch.long)
        target = self._target(self.kinds, joint)
        return total.index_add(0, target[target >= 0], self.counts[target >= 0])

    def of(self, joint: Composite) -> tuple[list[Tensor], Tensor]:
        """The images that know their class in a joint space.

        Returns:
            Scores of each attribute, shape (n, values), single precision, and the joint class,
            shape (n,).
        """
        target = self._target(self.labels, joint)
        known = target >= 0
        for a in joint.attributes:  # images from before a value was added have no score of it
            known &= ~self.scores[a.name].isnan().any(1)
        return [self.scores[a.name][known].float() for a in joint.attributes], target[known]

    def __add__(self, other: "AttributeScores") -> "AttributeScores":
        """Images of both; the attributes are those of `other`, which has all."""
        scores = {}
        for name, theirs in other.scores.items():
            whole = torch.full((len(self.labels), theirs.shape[1]), torch.nan, dtype=theirs.dtype)
            if (mine := self.scores.get(name)) is not None:
                whole[:, : mine.shape[1]] = mine
            scores[name] = torch.cat([whole, theirs])
        labels, kinds = (
            torch.cat([_widen(mine, self.attributes, other.attributes), theirs])
            for mine, theirs in ((self.labels, other.labels), (self.kinds, other.kinds))
        )
        return AttributeScores(
            other.attributes, scores, labels, kinds, torch.cat([self.counts, other.counts])
        )

    def _columns(self, table: Tensor, attributes: Sequence[Attribute]) -> Tensor:
        return _widen(table, self.attributes, [a.name for a in attributes])

    def _target(self, table: Tensor, joint: Composite) -> Tensor:
        columns = self._columns(table, joint.attributes).long()
        target = torch.zeros(len(table), dtype=torch.long)
        for i, attribute in enumerate(joint.attributes):
            target = target * len(attribute.values) + columns[:, i]
        return torch.where((columns >= 0).all(1), target, -1)


def additive(model: JointClassifier) -> ModularClassifier | None:
    """The model, if all its composite heads add attribute scores up."""
    if isinstance(model, ModularClassifier) and all(
        isinstance(head, Additive) for head in model.composite_heads
    ):
        return model
    return None


def _widen(table: Tensor, names: Sequence[str], wanted: Sequence[str]) -> Tensor:
    """The columns wanted of a table of labels; -1 where it has none of that name."""
    blank = torch.full((len(table),), -1, dtype=table.dtype)
    return torch.stack([table[:, names.index(n)] if n in names else blank for n in wanted], dim=1)


def _draw_evenly(kind: Tensor, counts: Tensor, most: int, seed: int) -> Tensor:
    """Positions of at most so many images.

    All of rare kinds, of the others the same number each.
    """
    rng, left, kept = np.random.default_rng(seed), most, [np.zeros(0, dtype=np.int64)]
    for place, k in enumerate(counts.argsort(stable=True).tolist()):
        members = (kind == k).nonzero()[:, 0].numpy()
        share = min(len(members), left // (len(counts) - place))
        kept.append(rng.permutation(members)[:share])
        left -= share
    return torch.from_numpy(np.sort(np.concatenate(kept)))

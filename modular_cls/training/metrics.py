"""Metrics of one output: pure functions of a confusion matrix. What is undefined stays None."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassCalibrationError, MulticlassConfusionMatrix

from modular_cls.schema import Composite, Schema

_BINS = 15  # as Guo et al. (ICML 2017)


class OutputMetrics(nn.Module):
    """Gathers predictions of one output over batches and devices.

    Args:
        output: The attribute or composite.
        rare: Indices of its scarce joint classes; None for an attribute, which has none.
    """

    def __init__(self, output: Composite, rare: Sequence[int] | None) -> None:
        super().__init__()
        self.output, self.rare = output, rare
        size = output.size
        self.gathered = MetricCollection(
            {
                "confusion": MulticlassConfusionMatrix(size, ignore_index=-1, validate_args=False),
                "ece": MulticlassCalibrationError(
                    size, n_bins=_BINS, ignore_index=-1, validate_args=False
                ),
            },
            compute_groups=False,
        )

    def update(self, log_probabilities: Tensor, target: Tensor) -> None:
        """Add a batch: log probabilities `(B, classes)`, targets `(B,)` with -1 for unknown."""
        if (target >= 0).any():
            self.gathered.update(log_probabilities.exp(), target)

    def compute(self) -> dict[str, Any]:
        """All metrics of the images gathered, ready for JSON."""
        if not self.gathered["confusion"].update_called:
            return summarise(
                torch.zeros(self.output.size, self.output.size, dtype=torch.long),
                self.output,
                self.rare,
            )
        values = self.gathered.compute()
        return summarise(values["confusion"].cpu(), self.output, self.rare) | {
            "ece": float(values["ece"])
        }

    def reset(self) -> None:
        """Forget all batches."""
        self.gathered.reset()


def build_metrics(schema: Schema, scarce: Sequence[dict[str, str]]) -> dict[str, OutputMetrics]:
    """Metrics of every output.

    Its scarce classes are those that have all values of an entry of `scarce`.
    """
    rare = {}
    for composite in schema.composites:
        classes = set(chain.from_iterable(map(composite.contains, scarce)))
        rare[composite.name] = sorted(classes)
    return {output.name: OutputMetrics(output, rare.get(output.name)) for output in schema.outputs}


def summarise(
    confusion: Tensor, output: Composite, rare: Sequence[int] | None = None
) -> dict[str, Any]:
    """Metrics of a confusion matrix.

    Args:
        confusion: Counts of shape (classes, classes), true class by row.
        output: Names the classes.
        rare: The scarce classes; None leaves their metrics out.

    Returns:
        Fractions; None where a metric has no support. Balanced accuracy, worst-class recall and
        macro F1 are over the classes that have images.

    Example:
        >>> from modular_cls.schema import Attribute
        >>> hair = Composite("hair", (Attribute("hair", ("short", "medium", "long")),))
        >>> metrics = summarise(torch.tensor([[8, 2, 0], [0, 0, 0], [0, 0, 2]]), hair)
        >>> metrics["balanced_accuracy"], metrics["recall"]
        (0.9, {'short': 0.8, 'medium': None, 'long': 1.0})
    """
    counts = confusion.double()
    support, predicted, hits = counts.sum(1), counts.sum(0), counts.diagonal()
    recall, f1 = hits / support, 2 * hits / (support + predicted)
    present = support > 0  # the others have 0 / 0, and no part in any mean

    def mean(values: Tensor) -> float | None:
        return float(values.mean()) if values.numel() else None

    scarce: dict[str, Any] = {}
    if rare is not None:
        scarce["rare_class_recall"] = mean(recall[[z for z in rare if present[z]]])
        scarce["rare_support"] = int(support[list(rare)].sum())
    return {
        "balanced_accuracy": mean(recall[present]),
        "worst_class_recall": float(recall[present].min()) if present.any() else None,
        **scarce,
        "accuracy": float(hits.sum() / counts.sum()) if counts.sum() else None,
        "macro_f1": mean(f1[present]),
        "ece": None,
        "recall": {
            n: float(r) if p else None
            for n, r, p in zip(output.class_names, recall, present, strict=True)
        },
        "support": dict(zip(output.class_names, confusion.sum(1).tolist(), strict=True)),
        "confusion": confusion.tolist(),
    }

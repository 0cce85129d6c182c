"""What a model answers, and what it would answer with one attribute set to the truth.

An intervention tells errors apart, for every method alike: if the joint answer becomes right once
one attribute is set by hand, the error was that attribute's; if no attribute does, it was the
composition's.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from modular_cls.runs.folder import column_given
from modular_cls.schema import Composite, Schema


def answers(
    schema: Schema, logs: Mapping[str, Tensor], targets: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Classes predicted by output, and by composite with each attribute set (`column_given`).

    Args:
        schema: Attributes and composites.
        logs: Log probabilities by output, shape (B, classes).
        targets: Values of the attributes by name, shape (B,); -1 where unknown.

    Returns:
        Places of classes, shape (B,), on the CPU; -1 where the truth of the attribute is unknown or
        no class that has it can be predicted.
    """
    predicted = {output.name: logs[output.name].argmax(1) for output in schema.outputs}
    for composite in schema.composites:
        for i, attribute in enumerate(composite.attributes):
            predicted[column_given(composite, attribute)] = _set(
                composite, i, logs[composite.name], targets[attribute.name]
            )
    return {name: classes.cpu() for name, classes in predicted.items()}


def _set(composite: Composite, place: int, logs: Tensor, truth: Tensor) -> Tensor:
    """The most probable class among those that have the true value at a place."""
    values = torch.tensor(composite.cells, device=logs.device)[:, place]
    possible = logs.masked_fill(values != truth.to(logs.device)[:, None], -torch.inf)
    best, classes = possible.max(1)
    return classes.masked_fill(best == -torch.inf, -1)

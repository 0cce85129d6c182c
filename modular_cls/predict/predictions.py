"""What is predicted of some pictures."""

from dataclasses import dataclass

import numpy as np

from modular_cls.schema import Schema


@dataclass(frozen=True)
class Predictions:
    """What is predicted of N pictures.

    Attributes:
        schema: Attributes and composites.
        probabilities: By attribute and composite, shape (N, classes), float32; rows sum to 1.
        embeddings: Features of the backbone, shape (N, F), float32.
    """

    schema: Schema
    probabilities: dict[str, np.ndarray]
    embeddings: np.ndarray

    def __len__(self) -> int:
        return len(self.embeddings)

    def names(self, output: str) -> list[str]:
        """The most probable class of an attribute or composite, by name, for each picture."""
        classes = self.schema.output(output).class_names
        return [classes[z] for z in self.probabilities[output].argmax(axis=1)]

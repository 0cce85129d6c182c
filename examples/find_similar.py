"""Find the pictures that are most like one, by the embeddings of a trained backbone.

    python examples/find_similar.py RUN_OR_EXPORT PICTURES QUERY [--number 5]

RUN_OR_EXPORT is a folder that `modular-cls train` or `export` wrote, PICTURES a folder of pictures,
QUERY one picture. Prints one line a picture, the nearest first: cosine similarity, name, and the
most probable class of each composite.
"""

import argparse
from pathlib import Path

import numpy as np

from modular_cls import Predictor

SUFFIXES = (".jpg", ".jpeg", ".png")


def main(arguments: list[str] | None = None) -> None:
    """Embed all pictures of a folder and rank them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("query", type=Path)
    parser.add_argument("--number", type=int, default=5)
    given = parser.parse_args(arguments)
    predictor = Predictor.load(given.model)
    files = sorted(p for p in given.pictures.iterdir() if p.suffix.lower() in SUFFIXES)
    found, asked = predictor(files), predictor([given.query])
    composites = [composite.name for composite in predictor.schema.composites]
    likeness = cosine(found.embeddings, asked.embeddings[0])
    for i in np.argsort(-likeness, kind="stable")[: given.number]:
        told = (f"{name}={found.names(name)[i]}" for name in composites)
        print(f"{likeness[i]:.3f}", files[i].name, *told, sep="\t")


def cosine(rows: np.ndarray, one: np.ndarray) -> np.ndarray:
    """Cosine similarity of each row, (N, F), to one vector, (F,)."""
    return rows @ one / (np.linalg.norm(rows, axis=1) * np.linalg.norm(one))


if __name__ == "__main__":
    main()

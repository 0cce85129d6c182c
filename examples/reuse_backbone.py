"""An exported backbone in a project of its own, with timm and scikit-learn only.

Nothing of modular_cls.

    python examples/reuse_backbone.py EXPORT MANIFEST PICTURES [--attribute gender]

EXPORT is what `modular-cls export` wrote, MANIFEST a table with a column `path` and one for the
attribute, PICTURES the folder that its paths start at. Prints the balanced accuracy of a logistic
regression on the embeddings of all pictures, by cross-validation, for the exported backbone and for
backbones with random weights, which tell what the training was worth: for a backbone trained on
other kinds of pictures that may be little.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

RANDOM_BACKBONES, BATCH = 3, 32


def main(arguments: list[str] | None = None) -> None:
    """Embed the pictures, fit and test."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("export", type=Path)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--attribute", default="gender")
    given = parser.parse_args(arguments)
    with given.manifest.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row[given.attribute]]
    labels = np.array([row[given.attribute] for row in rows])
    files = [given.pictures / row["path"] for row in rows]
    print(f"{given.attribute} of {len(rows)} pictures, balanced accuracy over 3 x 5 folds:")
    report("exported backbone", embed(given.export, files), labels)
    for seed in range(RANDOM_BACKBONES):
        torch.manual_seed(seed)
        report(f"random backbone {seed}", embed(given.export, files, pretrained=False), labels)


@torch.inference_mode()
def embed(export: Path, files: list[Path], pretrained: bool = True) -> np.ndarray:
    """Embeddings of some pictures, shape (N, F).

    By the exported backbone, or by one with its shape only.
    """
    model = timm.create_model(f"local-dir:{export}", pretrained=pretrained).eval()
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))
    embeddings = []
    for i in range(0, len(files), BATCH):
        pictures = [transform(Image.open(file).convert("RGB")) for file in files[i : i + BATCH]]
        embeddings.append(model(torch.stack(pictures)).numpy())
    return np.concatenate(embeddings)


def report(name: str, embeddings: np.ndarray, labels: np.ndarray) -> None:
    """Print the mean over folds, and their standard deviation."""
    classifier = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.1, max_iter=1000, class_weight="balanced")
    )
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=3, random_state=0)
    scores = cross_val_score(classifier, embeddings, labels, cv=folds, scoring="balanced_accuracy")
    print(f"  {name:18} {scores.mean():6.1%} (folds differ by {scores.std():.1%})")


if __name__ == "__main__":
    main()

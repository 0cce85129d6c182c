"""Joint classes from features that any other library computed, as an array of NumPy.

    python examples/features_of_another_library.py FEATURES.npy TABLE.csv [--method modular]

FEATURES holds one row a picture, (N, F); TABLE the same pictures in the same order, with a column
`split` (train or test) and one column per attribute, blank where unknown. Prints the balanced
accuracy over the joint classes on the test rows, for the method and for the flat classifier.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from modular_cls import ComposedClassifier


def main(arguments: list[str] | None = None) -> None:
    """Fit both on the training rows, and measure them on the test rows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("features", type=Path)
    parser.add_argument("table", type=Path)
    parser.add_argument("--method", default="modular")
    given = parser.parse_args(arguments)
    features = np.load(given.features)
    table = pd.read_csv(given.table, dtype=str, keep_default_na=False)
    attributes = table[[c for c in table.columns if c not in ("path", "split")]]
    train, test = (table["split"] == "train").to_numpy(), (table["split"] == "test").to_numpy()
    for method in dict.fromkeys((given.method, "flat")):
        model = ComposedClassifier(method=method).fit(features[train], attributes[train])
        print(f"{method:10} {model.score(features[test], attributes[test]):6.1%}")


if __name__ == "__main__":
    main()

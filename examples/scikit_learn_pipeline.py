"""The classifier as the last step of a scikit-learn pipeline, on digits that come with it.

    python examples/scikit_learn_pipeline.py [--keep 0]

Two attributes cross: is the digit below five, and is it even. Of the low even digits (0, 2, 4)
only `keep` images stay in training. The number of principal components is chosen by
cross-validation. Prints recall of that class on the test half, for modular and for flat.
"""

import argparse

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modular_cls import ComposedClassifier

SCHEMA = {
    "attributes": {"size": ["low", "high"], "parity": ["even", "odd"]},
    "composites": {"kind": {"attributes": ["size", "parity"]}},
}


def main(arguments: list[str] | None = None) -> None:
    """Fit both methods and measure them on the rare class."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keep", type=int, default=0, help="training images of the rare class")
    given = parser.parse_args(arguments)
    digits = load_digits()
    features, labels = digits.data, attributes(digits.target)
    rare = ((labels["size"] == "low") & (labels["parity"] == "even")).to_numpy()
    half = np.random.default_rng(0).permutation(len(rare)) % 2 == 0
    train = (
        np.flatnonzero(half & ~rare).tolist() + np.flatnonzero(half & rare)[: given.keep].tolist()
    )
    for method in ("modular", "flat"):
        steps = make_pipeline(StandardScaler(), PCA(), ComposedClassifier(SCHEMA, method, folds=3))
        search = GridSearchCV(steps, {"pca__n_components": [10, 30]}, cv=3)
        search.fit(features[train], labels.iloc[train])
        kinds = search.best_estimator_[:-1].transform(features[~half & rare])
        named = search.best_estimator_[-1].predict_composite("kind", kinds)
        components = search.best_params_["pca__n_components"]
        print(f"{method:8} {components} components, recall {np.mean(named == 'low_even'):6.1%}")


def attributes(digits: np.ndarray) -> pd.DataFrame:
    """The attributes of each digit."""
    size = np.where(digits < 5, "low", "high")
    return pd.DataFrame({"size": size, "parity": np.where(digits % 2 == 0, "even", "odd")})


if __name__ == "__main__":
    main()

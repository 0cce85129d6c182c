"""Features of two attributes for the estimator."""

import numpy as np
import pandas as pd

SCHEMA = {
    "attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
    "composites": {
        "both": {
            "attributes": ["hair", "gender"],
            "names": {"long_haired_man": {"hair": "long", "gender": "male"}},
        }
    },
}
CLASSES = ["short_female", "short_male", "long_female", "long_haired_man"]
QUICK = {"ridges": [1e-3], "folds": 2}


def world(counts, seed=0):
    """Two features that each tell an attribute, two of noise; the table of attributes."""
    rng = np.random.default_rng(seed)
    z = np.repeat(np.arange(4), counts)
    x = rng.normal(size=(len(z), 4))
    x[:, 0] += 3 * (z // 2)
    x[:, 1] += 3 * (z % 2)
    table = {"hair": np.array(["short", "long"])[z // 2], "gender": np.array(["female", "male"])[z % 2]}  # fmt: skip
    return x, pd.DataFrame(table)


TRAIN, TEST = world([40, 30, 30, 0]), world([50, 50, 50, 50], seed=1)


def broken(row, value):
    x = TRAIN[0].copy()
    x[row, 2] = value
    return x

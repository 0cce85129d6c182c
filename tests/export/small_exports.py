"""What the tests of exports share: the configuration of a small run, and when predictions are the same."""

import numpy as np

from modular_cls import load_config

SIZE, ODD = 32, "Länge | Bart"
MODEL, HEADS, BACKBONE = (
    "modular_cls/model.json",
    "modular_cls/heads.safetensors",
    "model.safetensors",
)


def tiny(faces_dir, name, *also, **given):
    data = {
        "manifest": faces_dir / "manifest.csv",
        "workers": 0,
        "image_size": SIZE,
        "scarcity__keep": 0,
    }
    given |= {f"data__{key}": value for key, value in data.items()}
    return load_config(
        f"configs/{name}.yaml", *also, training__updates=6, training__validate_every=0, **given
    )


def same(first, second):
    for output, values in first.probabilities.items():
        np.testing.assert_array_equal(values, second.probabilities[output])
    np.testing.assert_array_equal(first.embeddings, second.embeddings)

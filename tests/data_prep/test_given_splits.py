from pathlib import Path

import pandas as pd
import pytest
from given_splits import given_splits, split_argument, splits_of_files

from modular_cls.errors import ConfigError, ManifestError


def test_words_and_codes_of_splits():
    words = pd.Series(["train", " Val", "valid", "DEV", "eval", "testing"], index=range(2, 8))
    assert given_splits("t", words).tolist() == [0, 1, 1, 1, 1, 2]
    codes = pd.Series(["0", "1.0", "True", "2", "9"], index=range(2, 7))
    names = dict(map(split_argument, ["0=train", "1=val", "2=test", "9="]))
    assert given_splits("t", codes, names).tolist() == [0, 1, 1, 2, -1]
    with pytest.raises(
        ManifestError,
        match=r"row 2, split: '0' \(1 rows\) is not one of train(.*\n)+.*--split-values '0=train'",
    ):
        given_splits("t", codes)
    with pytest.raises(ManifestError, match="row 6, split: '9'"):
        given_splits("t", codes, {"0": "train", "1": "test", "2": "test"})
    with pytest.raises(ManifestError, match="--split-values 7=test: the column holds no '7'"):
        given_splits("t", codes, {**names, "7": "test"})


def test_splits_of_files():
    names = ("my_train.csv", "PA100K-val.csv", "test2.csv")
    assert splits_of_files([("", Path(name)) for name in names]) == ["train", "validation", "test"]
    assert splits_of_files([("", Path("train.csv"))]) == []
    for name in ("labels.csv", "train_test.csv", "retrain.csv"):
        with pytest.raises(ConfigError, match=f"{name}: of which split"):
            splits_of_files([("", Path(name)), ("", Path("val.csv"))])

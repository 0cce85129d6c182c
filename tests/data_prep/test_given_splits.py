"""Splits as tables give them."""

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from given_splits import given_splits, split_argument, splits_of_files

from modular_cls.errors import ConfigError, ManifestError
from tests.data_prep.small_tables import HAIR, converted, refused, rows, run, with_column, write


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


def test_codes_of_splits(folder, capsys):
    lines = with_column("part", ["0", "1", "2"])
    assert "say what each means, for example --split-values" in refused(
        capsys, folder, lines, *HAIR, "--split", "part"
    )
    codes = ("--split-values", "0=train", "1=valid", "2=test")
    frame = converted(folder, lines, *HAIR, "--split", "part", *codes)
    assert frame["split"].tolist() == ["train", "validation", "test"] * 4
    frame = converted(
        folder, lines, *HAIR, "--split", "part", "--split-values", "0=train", "1=test", "2="
    )
    assert frame["split"].tolist() == ["train", "test"] * 4
    assert "note: rows left out, by their split: 4\n" in capsys.readouterr().err
    frame = converted(folder, lines, *HAIR, "--split", "part", "--split-values", "0=train", "1=train", "2=test",
                      "--validation", "0.25")  # fmt: skip
    assert Counter(frame["split"]) == {"train": 6, "validation": 2, "test": 4}


def test_a_split_in_a_second_file(folder, capsys):
    second = [{"path": row["path"], "part": i % 3} for i, row in enumerate(rows())]
    codes = ("--split-values", "0=train", "1=valid", "2=test")
    file = write(folder / "split.csv", second[::-1], delimiter=";")
    for column in ((), ("--split", "part")):
        frame = converted(folder, rows(), *HAIR, "--split-file", file, *column, *codes)
        assert frame["split"].tolist() == ["train", "validation", "test"] * 4
    write(file, [{"image": row["path"], "part": row["part"]} for row in second])
    assert converted(folder, rows(), *HAIR, "--split-file", file, *codes).equals(frame)
    write(file, second[:-1])
    assert "no row for 1 of 12 pictures; the first is 'a/11.png'" in refused(
        capsys, folder, rows(), *HAIR, "--split-file", file, *codes
    )
    write(file, [*second, second[0]])
    assert "row 14, path: 'a/0.png' stands in an earlier row" in refused(
        capsys, folder, rows(), *HAIR, "--split-file", file, *codes
    )


def test_one_file_for_each_split(folder, capsys):
    files = [
        write(folder / f"{name}.csv", rows()[i::3])
        for i, name in enumerate(("my_train", "val", "test"))
    ]
    status, frame = run(folder, *files, *HAIR)
    assert status == 0
    assert frame["split"].tolist() == ["train"] * 4 + ["validation"] * 4 + ["test"] * 4
    others = [file.rename(folder / f"{i}.csv") for i, file in enumerate(files)]
    assert run(folder, *others, *HAIR) == (1, None)
    assert "of which split? Write train=" in capsys.readouterr().err
    named = [
        f"{split}={file}" for split, file in zip(("train", "dev", "test"), others, strict=True)
    ]
    assert run(folder, *named, *HAIR)[1].equals(frame)
    both = run(folder, *named, *HAIR, "--split", "test")
    assert both == (1, None)
    assert "the files are of splits already (train, validation, test)" in capsys.readouterr().err
    write(others[1], [{"path": "a/1.png", "hiar": "long", "gender": "male"}])
    assert run(folder, *named, *HAIR) == (1, None)
    assert "no column 'hair'; did you mean 'hiar'?" in capsys.readouterr().err

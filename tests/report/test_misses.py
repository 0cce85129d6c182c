"""Misses of runs, against counting by hand."""

import csv

import numpy as np
import pytest
from PIL import Image

from modular_cls.errors import ConfigError
from modular_cls.report.misses import gather_predictions, miss_shares, most_missed, read_pictures
from modular_cls.report.results import read_runs


def brute_force(folder):
    """Rare rows, misses, those mended by hair length, by gender and by neither, row by row."""
    rare = missed = hair = gender = neither = 0
    for row in csv.DictReader((folder / "predictions.csv").open()):
        if row["hair length"] == "long" and row["gender"] == "male":
            rare += 1
            if row["hair_gender:predicted"] != "long_haired_man":
                missed += 1
                by_hair = row["hair_gender:given:hair length"] == "long_haired_man"
                by_gender = row["hair_gender:given:gender"] == "long_haired_man"
                hair, gender = hair + by_hair, gender + by_gender
                neither += not (by_hair or by_gender)
    return np.array([rare, missed, hair, gender, neither])


@pytest.fixture
def runs(write_run):
    folders = [write_run(seed=seed, rare_skill=0.6) for seed in range(3)]
    return read_runs(folders)


def test_misses_are_classified_as_by_hand(runs):
    rare, missed, hair, gender, neither = sum(brute_force(r.folder) for r in runs)
    shares = miss_shares(gather_predictions(runs, "hair_gender"))
    assert (shares.images, shares.missed) == (rare, missed / rare)
    assert shares.mended == {"gender": gender / missed, "hair length": hair / missed}
    assert shares.composition == neither / missed
    recalls = [r.value("hair_gender", "rare_class_recall") for r in runs]
    assert shares.missed == pytest.approx(1 - np.mean(recalls))  # predictions and metrics agree


def test_runs_of_an_earlier_version_tell_misses_but_not_whose(runs):
    for run in runs:
        file = run.folder / "predictions.csv"
        header, *rows = csv.reader(file.open())
        old = [i for i, name in enumerate(header) if ":given:" not in name]
        text = "\n".join(",".join(row[i] for i in old) for row in (header, *rows))
        file.write_text(text)
    shares = miss_shares(gather_predictions(runs, "hair_gender"))
    assert shares.missed > 0
    assert (shares.mended, shares.composition) == ({}, None)


def test_most_missed_come_first(runs):
    predictions = gather_predictions(runs, "hair_gender")
    found = most_missed(predictions)
    assert 0 < len(found) <= 24
    assert [i.share for i in found] == sorted((i.share for i in found), reverse=True)
    for image in found:
        said = [p.predicted for run in predictions for p in run if p.path == image.path]
        wrong = [p for p in said if p != "long_haired_man"]
        assert image.share == len(wrong) / len(said)
        assert wrong.count(image.mistaken_for) == max(map(wrong.count, wrong))


def test_pictures_are_read_or_the_reason_is_told(runs):
    images = most_missed(gather_predictions(runs, "hair_gender"))
    assert "no such file" in read_pictures(runs[0], images)
    folder = runs[0].folder.parent / "images"
    folder.mkdir()
    for image in images:
        Image.new("RGB", (5, 7), "red").save(folder / image.path)
    pictures = read_pictures(runs[0], images)
    assert {p.shape for p in pictures} == {(7, 5, 3)}


def test_runs_without_predictions_are_left_out(runs):
    (runs[0].folder / "predictions.csv").unlink()
    assert len(gather_predictions(runs, "hair_gender")) == 2
    assert miss_shares([]) is None
    assert most_missed([]) == []


def test_a_missing_column_is_named(runs):
    file = runs[0].folder / "predictions.csv"
    file.write_text(file.read_text().replace("hair_gender:predicted", "hair_gender:predictd"))
    with pytest.raises(ConfigError, match=r"no column 'hair_gender:predicted'; did you mean"):
        gather_predictions(runs, "hair_gender")

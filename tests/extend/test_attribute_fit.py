"""The verb extend: new attributes from some labelled images."""

import numpy as np
import pytest

from modular_cls import Run
from modular_cls.runs.scores import AttributeScores
from tests.extend.small_runs import NIGHT, composites, extend, probabilities


def test_a_new_attribute_from_some_images(apart, faces, nights, tmp_path, capsys):
    more = {"schema": NIGHT, "data": {"manifest": str(nights / "manifest.csv")}}
    assert extend(apart, more, tmp_path / "out") == 0
    said = capsys.readouterr().out
    assert "night added, from 32 labelled images" in said
    assert "changed" not in said
    assert "on images left out in turn (guessing: 50.0%)\n" in said
    before = ("hair", "gender", "glasses", "hair_gender")
    old, new = (probabilities(r, faces, before) for r in (apart, tmp_path / "out"))
    for name in before:
        np.testing.assert_array_equal(old[name], new[name])
    metrics = Run.load(tmp_path / "out").metrics
    assert metrics["test"]["night"]["balanced_accuracy"] > 0.9
    assert metrics["finish"]["cross_validated/night"] > 0.9
    assert metrics["extended"]["images"] == 32


@pytest.mark.parametrize("images", [1, 20])
def test_an_attribute_that_is_hardly_learned_is_told(apart, nights, tmp_path, images, capsys):
    """Labels by chance; with one image of a value, nothing can be left out."""
    header, *rows = [line.split(",") for line in (nights / "manifest.csv").read_text().splitlines()]
    rows = [row for row in rows if row[1] == "train"]
    yes = set(np.random.default_rng(0).permutation(len(rows))[:images])
    for i, row in enumerate(rows):
        row[-1] = "yes" if i in yes else "no"
    (nights / "chance.csv").write_text("\n".join(map(",".join, [header, *rows])))
    more = {"schema": NIGHT, "data": {"manifest": str(nights / "chance.csv")}}
    assert extend(apart, more, tmp_path / "out") == 0
    said = capsys.readouterr().out
    assert ("how well it is learned cannot be told" in said) == (images == 1)
    assert ("the frozen backbone hardly shows it" in said) == (images > 1)
    assert "no metrics of test: the manifest has no images of it" in said
    assert Run.load(tmp_path / "out").metrics["test"] == {}


def test_a_new_attribute_in_a_composite(apart, nights, tmp_path, capsys):
    parts = {**NIGHT, "composites": composites(both=["hair", "night"])}
    more = {"schema": parts, "data": {"manifest": str(nights / "manifest.csv")}}
    assert extend(apart, more, tmp_path / "out") == 0
    assert "has grown into hair*gender*night*: hair, gender, hair_gender" in capsys.readouterr().out
    metrics = Run.load(tmp_path / "out").metrics
    assert metrics["test"]["night"]["balanced_accuracy"] > 0.9
    assert sum(metrics["train_counts"]["hair*gender*night*"]) == 32
    assert len(AttributeScores.read(tmp_path / "out").labels) == 64 + 32
    parts = composites(two=["night", "gender"])
    assert extend(tmp_path / "out", {"schema": {"composites": parts}}, tmp_path / "twice") == 0

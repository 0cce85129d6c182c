"""Nets of equal size, a student that meets its teacher's logits, and rates chosen on validation pictures only."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from modular_cls.errors import ConfigError
from modular_cls.jobs.executors import Inline
from modular_cls.lecture.kit import sets
from modular_cls.lecture.kit.claim import measure_claim
from modular_cls.lecture.kit.lab import Lab
from modular_cls.lecture.kit.learning import fit, outputs, seeded
from modular_cls.lecture.kit.nets import parameters
from modular_cls.lecture.mimic import pictures as mimic


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(mimic, "_SIZES", {"quick": mimic._Size(3, 1)})
    monkeypatch.setattr(mimic, "_DEEP", (4, 4))
    monkeypatch.setattr(mimic, "_CONVOLUTIONAL", (2, 2, 2))
    monkeypatch.setattr(mimic, "_RATES", (2e-3, 8e-3))


@pytest.mark.parametrize(("side", "classes"), [(28, 10), (32, 4)])
def test_deep_shallow_and_mimic_have_as_many_parameters(side, classes):
    nets = {name: build() for name, build in mimic.builders((1, side, side), classes).items()}
    deep = parameters(nets["deep"])
    assert all(
        abs(parameters(nets[n]) - deep) <= 0.01 * deep
        for n in ("shallow", "mimic", "convolutional_mimic")
    )
    hidden = {n: nets[n].state_dict() for n in ("mimic", "wide_mimic")}
    assert len(hidden["wide_mimic"]["1.1.0.weight"]) == mimic._WIDER * len(
        hidden["mimic"]["1.0.weight"]
    )


def some(count=200):
    generator = torch.Generator().manual_seed(0)
    images = {
        s: torch.randn(count, 1, 8, 8, generator=generator) for s in ("train", "validation", "test")
    }
    labels = {s: {"class": (x[:, 0, 0, 0] > 0).long()} for s, x in images.items()}
    return sets.Pictures(images, labels, 2)


def test_a_student_that_is_its_teacher_has_nothing_to_learn():
    found = some()
    teacher = mimic.train("deep", found, 2e-3, 0, 30, None)
    twin = seeded(mimic.builders((1, 8, 8), 2)["deep"], 5)
    twin.load_state_dict(teacher.state_dict())
    images = found.images["train"]
    logits, answers = outputs(teacher, images), mimic.lesson(teacher, images)
    with torch.no_grad():  # its last layer says it on the scale of the lesson
        twin[-1].weight /= logits.std()
        twin[-1].bias.sub_(logits.mean()).div_(logits.std())
    torch.testing.assert_close(outputs(twin, images), answers)
    assert torch.equal(answers.argmax(1), logits.argmax(1))
    fit(twin, images, answers, updates=3, rate=1e-8, seed=0, loss=F.mse_loss)
    torch.testing.assert_close(outputs(twin, images), answers, atol=1e-4, rtol=1e-4)


def test_a_mimic_is_fitted_to_logits_and_sees_no_labels():
    found = some()
    images = found.images["train"]
    teacher = mimic.train("deep", found, 2e-3, 0, 60, None)
    unlabelled = sets.Pictures(
        found.images, {"train": {"class": torch.zeros(len(images)).long()}}, 2
    )
    first, second = (mimic.train("mimic", f, 8e-3, 1, 60, teacher) for f in (found, unlabelled))
    assert torch.equal(outputs(first, images), outputs(second, images))
    on_labels = mimic.train("shallow", found, 8e-3, 1, 60, None)
    answers = mimic.lesson(teacher, images)
    assert F.mse_loss(outputs(first, images), answers) < 0.1
    assert F.mse_loss(outputs(first, images), answers) < F.mse_loss(
        mimic.lesson(on_labels, images), answers
    )


def digits(folder, test_seed):
    """MNIST as a file: training pictures the same, those to test drawn anew."""
    draw, other = np.random.default_rng(0), np.random.default_rng(test_seed)
    (folder / "mnist").mkdir(parents=True)
    labels = draw.integers(0, 10, 500)
    images = (draw.integers(0, 120, (500, 28, 28)) + 13 * labels[:, None, None]).astype(np.uint8)
    np.savez(
        folder / "mnist" / "mnist.npz", train_images=images, train_labels=labels,
        test_images=other.integers(0, 255, (50, 28, 28), dtype=np.uint8), test_labels=other.integers(0, 10, 50),
    )  # fmt: skip
    return folder


@pytest.mark.usefixtures("tiny")
def test_rates_are_chosen_on_validation_pictures_only(tmp_path, monkeypatch):
    monkeypatch.setattr(sets, "_MNIST_VALIDATION", 200)
    monkeypatch.setattr(mimic, "SETS", ("mnist",))
    monkeypatch.setattr(mimic, "_SHARES", (1.0,))
    folders = [digits(tmp_path / f"data{i}", i) for i in (1, 2)]
    one, two = (
        mimic.compute(Lab("quick", tmp_path / f"out{f.name}", f, Inline(), None)) for f in folders
    )
    assert one["rates"].equals(two["rates"])
    assert one["errors"]["rate"].equals(two["errors"]["rate"])
    assert not one["errors"]["error"].equals(two["errors"]["error"])
    for row in one["errors"].itertuples():
        tried = one["rates"][one["rates"]["net"] == row.net].set_index("rate")["validation error"]
        assert tried[row.rate] == tried.min()


@pytest.mark.usefixtures("tiny")
def test_the_whole_claim(tmp_path, monkeypatch):
    monkeypatch.setattr(mimic, "_SHARES", (0.1,))
    out = tmp_path / "out"
    page = measure_claim("mimic", "quick", out, data=tmp_path, only=["pictures"])
    assert (
        page.count("one seed, no verdict |") == page.count("no data |") == len(mimic.STATEMENTS) / 2
    )
    assert (out / "errors.png").stat().st_size > 5000
    before = {f: f.stat().st_mtime_ns for f in (out / "cells").iterdir()}
    assert measure_claim("mimic", "quick", out, data=tmp_path, only=["pictures"]) == page
    assert {f: f.stat().st_mtime_ns for f in (out / "cells").iterdir()} == before
    monkeypatch.setattr(sets, "at_hand", lambda data: "all of MNIST")
    with pytest.raises(ConfigError, match="not 'all of MNIST'; give another --out"):
        measure_claim("mimic", "quick", out, data=tmp_path, only=["pictures"])

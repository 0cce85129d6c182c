"""Hand-made features against learned ones: HOG as documented, fair draws, knobs chosen on validation pictures only."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from modular_cls.errors import ConfigError
from modular_cls.jobs.executors import Inline
from modular_cls.lecture import pixels
from modular_cls.lecture.kit import claim, sets
from modular_cls.lecture.kit.lab import Lab


@pytest.mark.parametrize("side", [28, 32])
def test_histograms_have_their_length_and_do_not_see_brightness(side):
    images = torch.rand(3, 1, side, side, generator=torch.Generator().manual_seed(0))
    found = pixels.histograms(images)
    blocks = side // 4 - 1
    assert found.shape == (3, blocks * blocks * 2 * 2 * 9)
    assert torch.allclose(pixels.histograms(0.3 * images), found, atol=1e-3)
    turned = pixels.histograms(images.transpose(2, 3))
    assert not torch.allclose(turned, found, atol=0.1)


def toy(monkeypatch, classes=2):
    """Pictures whose class is how bright they are; labels of the test pictures are all wrong."""
    generator = torch.Generator().manual_seed(0)
    images, labels = {}, {}
    for split, count in (("train", 120), ("validation", 60), ("test", 60)):
        y = torch.randint(classes, (count,), generator=generator)
        images[split] = 0.5 * torch.rand(count, 1, 8, 8, generator=generator)
        images[split] += 0.2 * y[:, None, None, None]
        labels[split] = {"class": y if split != "test" else (y + 1) % classes}
    made = sets.Pictures(images, labels, classes)
    monkeypatch.setattr(sets, "load", lambda name, data: made)
    pixels._described.cache_clear()
    return made


def test_the_linear_classifier_is_that_of_scikit_learn(tmp_path, monkeypatch):
    made = toy(monkeypatch)
    setting = {
        "set": "toy",
        "method": "linear",
        "images": "all",
        "seed": 0,
        "pool": 999,
        "updates": 0,
    }
    found = pixels.choose(tmp_path, **setting, knob=10.0)["validation error"]
    x = {split: images.flatten(1).numpy().astype(float) for split, images in made.images.items()}
    spread = np.sqrt(np.square(x["train"] - x["train"].mean(0)).sum(1).mean())
    plain = LogisticRegression(C=10.0, max_iter=1000)
    plain.fit((x["train"] - x["train"].mean(0)) / spread, made.labels["train"]["class"])
    accuracy = plain.score(
        (x["validation"] - x["train"].mean(0)) / spread, made.labels["validation"]["class"]
    )
    assert found == pytest.approx(1 - accuracy, abs=1 / 60 + 1e-9)
    pixels._described.cache_clear()


def test_the_choice_never_sees_test_pictures(tmp_path, monkeypatch):
    toy(monkeypatch)
    setting = {"set": "toy", "images": "100", "seed": 0, "pool": 999, "updates": 60}
    for method, knob in (("linear", 1.0), ("learned", 2e-2)):
        validation = pixels.choose(tmp_path, method=method, knob=knob, **setting)[
            "validation error"
        ]
        assert validation < 0.3
        assert (
            pixels.measure(tmp_path, method=method, knob=knob, **setting)["error"] > 0.8
        )  # its labels are wrong
    pixels._described.cache_clear()


def test_best_is_the_smallest_validation_error():
    rows = [
        ("a", "1", 1.0, 0.3),
        ("a", "1", 10.0, 0.1),
        ("a", "1", 100.0, 0.1),
        ("a", "2", 1.0, 0.0),
    ]
    choices = pd.DataFrame(rows, columns=["method", "images", "knob", "validation error"]).assign(
        set="s"
    )
    assert pixels._best(choices, {"set": "s", "method": "a", "images": "1"}) == 10.0


def test_all_methods_learn_from_the_same_pictures_and_fewer_are_among_more(tmp_path):
    made = {by_hand: pixels._described(tmp_path, "faces", by_hand, 50) for by_hand in (True, False)}
    few, more = made[False].few(10, 3), made[False].few(30, 3)
    assert torch.equal(more.images["train"][:10], few.images["train"])
    again = pixels.histograms(few.images["train"])
    assert torch.equal(made[True].few(10, 3).images["train"], again)
    assert {split: len(x) for split, x in made[True].images.items()} == {
        "train": 50,
        "validation": 40,
        "test": 50,
    }


def test_end_to_end(tmp_path, monkeypatch):
    pixels._described.cache_clear()
    monkeypatch.setattr(
        pixels, "_SIZES", {"quick": pixels._Size((100,), {"some": 3, "all": 3}, 120, 1)}
    )
    text = claim.measure_claim("pixels", "quick", tmp_path / "out", data=tmp_path)
    errors = pd.read_csv(tmp_path / "out" / "errors.csv")
    assert len(errors) == 2 * 3 * 2
    assert set(errors["pictures"]) == {100, 120}
    choices = pd.read_csv(tmp_path / "out" / "choices.csv")
    assert len(choices) == 3 * len(errors)
    chosen = choices.loc[choices.groupby(["set", "method", "images"])["validation error"].idxmin()]
    both = chosen.merge(errors, on=["set", "method", "images"])
    assert len(both) == len(errors)
    assert both["knob"].equals(both["chosen"])
    assert (tmp_path / "out" / "errors.png").is_file()
    assert all(s.says in text for s in pixels.STATEMENTS)
    monkeypatch.setattr(sets, "load", None)  # nothing is measured anew
    again = pixels.compute(Lab("quick", tmp_path / "out", tmp_path, Inline(), None))["errors"]
    assert again["error"].tolist() == pytest.approx(errors["error"].tolist(), abs=1e-5)
    with pytest.raises(ConfigError, match="another --out"):
        claim.measure_claim("pixels", "full", tmp_path / "out", data=tmp_path)

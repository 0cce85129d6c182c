"""Real digits crossed with a constructed attribute."""

import hashlib
from collections import Counter

import cv2
import mnist
import numpy as np
import pytest

from tests.data_prep.small_mnist import KERAS, PARTS, digits, idx, npz, refusal, rows, run

COUNTS = {"train": 8, "validation": 1, "test": 3}  # of each joint class


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mnist")
    assert run(npz(folder / "source"), folder / "out") == 0
    return folder


def test_splits_are_disjoint_and_balanced(made):
    found = rows(made / "out")
    joint = [(d, s) for d in ("four", "nine") for s in ("left", "right")]
    assert Counter((r[1], r[2], r[3]) for r in found) == {
        (p, *z): n for p, n in COUNTS.items() for z in joint
    }
    of_training = [r[0].rsplit("_", 1)[1] for r in found if r[1] != "test"]
    assert len(set(of_training)) == len(of_training)
    assert sorted(p for p in contents(made / "out") if p != "manifest.csv") == sorted(
        r[0] for r in found
    )


def test_names_tell_the_official_digit(made):
    for path, split, label, _ in rows(made / "out"):
        part = "test" if split == "test" else "train"
        assert mnist.NAMES[PARTS[part][1][int(path[-9:-4])]] == label


def test_labels_agree_with_the_measured_slant(made):
    leans = []
    for path, _, _, slant in rows(made / "out"):
        picture = cv2.imread(str(made / "out" / path), cv2.IMREAD_UNCHANGED)
        assert picture.shape == (28, 28)
        leans.append(mnist.lean(picture) * {"left": 1, "right": -1}[slant])
    assert 0.08 < min(leans) < max(leans) < 0.47
    assert max(leans) - min(leans) > 0.2


def test_a_lean_to_the_right_has_its_top_on_the_right():
    picture = np.zeros((28, 28), np.uint8)
    cv2.line(picture, (18, 4), (8, 23), 255, 2)
    assert mnist.lean(picture) == pytest.approx(-10 / 19, abs=0.05)
    picture[:] = 0
    cv2.line(picture, (14, 4), (14, 23), 255, 2)
    right = mnist.slanted(picture, 1, 1.0)
    assert right[5].argmax() > right[22].argmax() + 5
    assert np.allclose(mnist.slanted(picture, 0, 1.0)[:, 1:], right[:, :0:-1], atol=60)


def test_an_empty_picture_stays_empty():
    assert not mnist.slanted(np.zeros((28, 28), np.uint8), 0, 0.5).any()


def test_same_seed_same_bytes_from_every_kind_of_source(made, tmp_path):
    expected = contents(made / "out")
    sources = [
        npz(tmp_path / "keras", names=KERAS),
        idx(tmp_path / "plain"),
        idx(tmp_path / "dots", dot="."),
        idx(tmp_path / "zipped", end=".gz"),
    ]
    for source in sources:
        assert run(source, tmp_path / "out", "--overwrite") == 0
        assert contents(tmp_path / "out") == expected
    assert run(sources[0], tmp_path / "out", "--overwrite", "--seed", "1") == 0
    assert contents(tmp_path / "out") != expected


def test_a_picture_depends_on_its_own_digit_only(made, tmp_path):
    more = {
        part: tuple(np.concatenate([a, a[::-1]]) for a in arrays)
        for part, arrays in digits(60, 6).items()
    }
    more["test"] = PARTS["test"]
    assert run(npz(tmp_path / "more", more), tmp_path / "out") == 0
    test = {
        n: hashlib.sha256(d).digest()
        for n, d in contents(tmp_path / "out").items()
        if n.startswith("test/")
    }
    assert test == {
        n: hashlib.sha256(d).digest()
        for n, d in contents(made / "out").items()
        if n.startswith("test/")
    }


def test_colour(tmp_path):
    assert (
        run(
            npz(tmp_path / "source"),
            tmp_path / "out",
            "--constructed",
            "colour",
            "--digits",
            "9",
            "1",
            "4",
        )
        == 0
    )
    assert (tmp_path / "out/manifest.csv").read_text().startswith("path,split,digit,colour\n")
    found = rows(tmp_path / "out")
    assert {r[2] for r in found} == {"nine", "one", "four"}
    for path, _, _, colour in found:
        blue, green, red = cv2.imread(str(tmp_path / "out" / path)).reshape(-1, 3).sum(axis=0)
        assert {"red": red, "green": green}[colour] == max(blue, green, red)


def test_an_earlier_set_is_replaced_only_when_told(made, capsys):
    before = contents(made / "out")
    assert run(made / "source", made / "out") == 1
    assert "--overwrite" in capsys.readouterr().err
    assert contents(made / "out") == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--digits", "4"], "at least two different ones from 0 to 9, got [4]"),
        (["--digits", "4", "4"], "got [4, 4]"),
        (["--digits", "4", "10"], "got [4, 10]"),
        (["--per-class", "0"], "per_class must be at least 1"),
        (["--seed", "-1"], "seed at least 0"),
        (
            ["--per-class", "11"],
            "digit 4: 24 training digits, of which two joint classes with per_class 11 need 26",
        ),
        (["--per-class", "11"], "the largest per_class for it is 10"),
        (["--digits", "4", "7"], "digit 7: 0 test digits, at least 2"),
        (["--digits", "4", "7"], "digit 7: 0 training digits"),
    ],
)
def test_what_cannot_be_made(made, capsys, arguments, message):
    assert message in refusal(capsys, made / "source", *arguments)


def test_the_largest_per_class_told_works(made, tmp_path):
    assert run(made / "source", tmp_path / "out", "--per-class", "10") == 0


def test_an_unknown_attribute(made, tmp_path):
    with pytest.raises(mnist.ConfigError, match="did you mean 'slant'"):
        mnist.convert(made / "source", tmp_path / "out", constructed="slnt")

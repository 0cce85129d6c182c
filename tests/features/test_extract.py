"""Features kept on disk: made once, made again where damaged, never those of other weights."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from modular_cls.data.faces.write import SCHEMA
from modular_cls.data.images import read_image
from modular_cls.data.manifest import Manifest
from modular_cls.data.preparation import Pixels
from modular_cls.errors import ManifestError
from modular_cls.features import extract
from modular_cls.features.extract import extract_features
from modular_cls.models.frozen_weights import digest_of

HALF = (0.5, 0.5, 0.5)
PIXELS = Pixels((32, 32), HALF, HALF)


class Small(nn.Module):
    """A network of its own weights that counts the pictures it sees."""

    def __init__(self, seed=0, width=6):
        super().__init__()
        torch.manual_seed(seed)
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 3, stride=2), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.seen, self.calls, self.stop_at = 0, 0, None
        self.eval()

    def forward(self, images):
        self.calls += 1
        if self.calls == self.stop_at:
            raise KeyboardInterrupt
        self.seen += len(images)
        return self.layers(images)


@pytest.fixture
def rows(faces_dir, tmp_path, monkeypatch):
    """Forty pictures and a cache folder of their own, shards of one batch."""
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(extract, "_SHARD", 16)
    monkeypatch.setattr(extract, "_BATCH", 16)
    manifest = Manifest.read(faces_dir / "manifest.csv", SCHEMA)
    return manifest.select(np.arange(40))


def features(rows, network, pixels=PIXELS):
    return extract_features(rows, pixels, network, digest_of(network))


def shards(tmp_path):
    files = sorted((tmp_path / "cache" / "features").rglob("*.npy"))
    return [f for f in files if not f.name.endswith(".keys.npy")]


def test_features_are_the_networks_in_half_precision(rows):
    network = Small()
    images = torch.stack([PIXELS(read_image(rows.file(i), "", (32, 32))) for i in range(40)])
    with torch.no_grad():
        slow = network.layers(images).half().float()
    found = features(rows, network)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, slow, atol=1e-3, rtol=1e-3)  # the last bit is the batch's
    assert torch.equal(found, found.half().float())


def test_a_second_call_runs_no_network(rows):
    network = Small()
    first = features(rows, network)
    assert network.seen == 40
    assert torch.equal(features(rows, network), first)
    back = rows.select(np.arange(39, -1, -1))
    assert torch.equal(features(back, network), first.flip(0))
    assert network.seen == 40


def test_other_weights_and_other_pixels_are_never_mixed(rows, tmp_path):
    network, other = Small(), Small(seed=1)
    first = features(rows, network)
    second = features(rows, other)
    assert other.seen == 40
    assert not torch.allclose(first, second)
    scaled = features(rows, network, Pixels((32, 32), HALF, (0.25, 0.25, 0.25)))
    smaller = features(rows, network, Pixels((24, 24), HALF, HALF))
    assert network.seen == 3 * 40
    assert not torch.allclose(first, scaled)
    assert not torch.allclose(first, smaller)
    assert torch.equal(features(rows, network), first)
    assert len(list((tmp_path / "cache" / "features").iterdir())) == 4


def test_one_weight_changed_is_other_weights(rows):
    network = Small()
    features(rows, network)
    with torch.no_grad():
        network.layers[0].bias[0] += 1
    assert features(rows, network)[:, 0].mean() > 0.5
    assert network.seen == 80


@pytest.mark.parametrize("place", [-1, 140, 3])  # a row's last byte; among the rows; the header
def test_a_damaged_byte_is_made_again_and_said(rows, tmp_path, place, capsys):
    network = Small()
    first = features(rows, network)
    file = shards(tmp_path)[1]
    data = bytearray(file.read_bytes())
    data[place] ^= 0x55
    file.write_bytes(data)
    assert torch.equal(features(rows, network), first)
    said, header = capsys.readouterr().out, place == 3
    assert 40 < network.seen <= 56
    assert (
        "damaged on disk" in said
    ) or header  # a shard without a header is as if it were not there
    again = network.seen
    assert torch.equal(features(rows, network), first)
    assert network.seen == again


def test_interrupted_it_goes_on(rows):
    network = Small()
    network.stop_at = 3
    with pytest.raises(KeyboardInterrupt):
        features(rows, network)
    assert network.seen == 32
    features(rows, network)
    assert network.seen == 40


def test_copies_of_a_picture_are_seen_once(rows, tmp_path):
    folder = tmp_path / "copies"
    folder.mkdir()
    names = [f"{i}.png" for i in range(6)]
    for i, name in enumerate(names):
        shutil.copy(rows.file(i % 2), folder / name)
    copies = Manifest(SCHEMA, folder, np.array(names, dtype=object), *(
        getattr(rows, n)[:6] for n in ("splits", "labels", "rows")))  # fmt: skip
    network = Small()
    found = features(copies, network)
    assert network.seen == 2
    assert torch.equal(found[::2], found[:1].expand(3, -1))


def test_pictures_are_decoded_a_window_at_a_time(rows, monkeypatch):
    """Whatever the number of pictures, only so many wait for the network."""
    many = rows.select(np.zeros(2000, dtype=int))
    decoded, ahead = [], []
    network = Small()
    real = extract.read_image

    def counted(*arguments):
        decoded.append(1)
        return real(*arguments)

    monkeypatch.setattr(extract, "read_image", counted)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    network.register_forward_pre_hook(lambda *_: ahead.append(len(decoded) - network.seen))
    rows_made = [len(part) for part, _ in extract._computed(many, range(2000), PIXELS, network, "")]
    assert sum(rows_made) == 2000
    assert max(rows_made) <= 16 + 16
    assert max(ahead) <= 2 * 64 + 16


def test_features_that_are_not_finite_name_the_picture(rows, tmp_path):
    class Reciprocal(Small):
        def forward(self, images):
            self.seen += len(images)
            return 1 / (images.mean((2, 3)) + 1)  # a black picture has mean -1

    Image.new("RGB", (32, 32)).save(tmp_path / "black.png")
    paths = rows.paths.copy()
    shutil.copytree(rows.root, tmp_path / "pictures")
    paths[5] = "black.png"
    shutil.copy(tmp_path / "black.png", tmp_path / "pictures" / "black.png")
    with_black = Manifest(SCHEMA, tmp_path / "pictures", paths, rows.splits, rows.labels, rows.rows)
    with pytest.raises(ManifestError, match=r"row 7.*black\.png: its features are not finite"):
        features(with_black, Reciprocal())


def test_a_picture_that_cannot_be_read_is_named(rows, tmp_path):
    shutil.copytree(rows.root, tmp_path / "pictures")
    (tmp_path / "pictures" / rows.paths[3]).write_bytes(b"no picture")
    (tmp_path / "pictures" / rows.paths[4]).unlink()
    broken = Manifest(
        SCHEMA, tmp_path / "pictures", rows.paths, rows.splits, rows.labels, rows.rows
    )
    with pytest.raises(ManifestError, match=r"row 6.*no such file"):
        features(broken, Small())
    with pytest.raises(ManifestError, match=r"row 5"):
        features(broken.select(np.arange(40) != 4), Small())


def test_without_a_cache_folder_features_are_made_each_time(rows, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "file" / "cache"))
    network = Small()
    first = features(rows, network)
    assert torch.equal(features(rows, network), first)
    assert network.seen == 80
    assert "made anew each time" in capsys.readouterr().out


def test_a_disk_that_fills_up_keeps_nothing_and_stops_nothing(rows, tmp_path, writes_up_to, capsys):
    expected = features(rows, Small())
    network = Small(seed=1)
    with writes_up_to(250):  # less than a shard of features
        found = features(rows, network)
    assert network.seen == 40
    assert capsys.readouterr().out.count("features are not kept: ") == 1
    assert torch.equal(found, features(rows, network))
    assert network.seen == 80
    shutil.rmtree(tmp_path / "cache")
    with writes_up_to(250):  # nor of the digests of files
        assert torch.equal(features(rows, Small()), expected)
    assert "made anew each time" in capsys.readouterr().out


def test_no_pictures(rows):
    """A split may be empty."""
    assert features(rows.select(np.zeros(0, dtype=int)), Small()).shape == (0, 6)

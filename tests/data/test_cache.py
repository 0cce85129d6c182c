"""Pictures are decoded once, and anew where anything changed."""

import multiprocessing
import os
import pickle
import shutil
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modular_cls.data import cache, images
from modular_cls.data.cache import NoRoomError, check_pictures, decode_once, picture_keys
from modular_cls.data.faces.write import SCHEMA
from modular_cls.data.images import read_image
from modular_cls.data.manifest import Manifest
from modular_cls.data.shards import Shards
from modular_cls.files import cache_folder

SIZE = (32, 24)


@pytest.fixture
def faces(faces_dir, tmp_path, monkeypatch):
    """All drawn faces, copied, and an empty folder for decoded pictures."""
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "cache"))
    return Manifest.read(shutil.copytree(faces_dir, tmp_path / "faces") / "manifest.csv", SCHEMA)


def shards():
    return sorted((cache_folder() / f"{SIZE[0]}x{SIZE[1]}-{images.VERSION}").glob("*.npy"))


def check_same(manifest, served):
    for i in range(len(manifest)):
        assert np.array_equal(served[i], read_image(manifest.file(i), "it", SIZE, manifest.box(i)))


def test_pictures_are_served_as_read_and_decoded_once(faces, monkeypatch):
    served, bad = decode_once(faces, SIZE)
    assert not bad
    check_same(faces, served)
    monkeypatch.setattr(cache, "read_image", None)
    monkeypatch.setattr(cache, "key_picture", None)  # known files are not even read
    again, _ = decode_once(faces.select(np.arange(len(faces))[::-3]), SIZE)
    assert np.array_equal(again[0], served[len(faces) - 1])
    assert np.array_equal(pickle.loads(pickle.dumps(again))[1], served[len(faces) - 4])


def test_a_moved_folder_is_read_but_not_decoded(faces, monkeypatch):
    decode_once(faces, SIZE)
    moved = faces.root.rename(faces.root.with_name("elsewhere"))
    monkeypatch.setattr(cache, "read_image", None)
    served, bad = decode_once(Manifest.read(moved / "manifest.csv", SCHEMA), SIZE)
    assert not bad
    check_same(Manifest.read(moved / "manifest.csv", SCHEMA), served)


def test_a_new_decoder_decodes_anew(faces, monkeypatch):
    decode_once(faces, SIZE)
    before = len(shards())
    monkeypatch.setattr(cache, "VERSION", images.VERSION + 1)
    decode_once(faces, SIZE)
    other = cache_folder() / f"{SIZE[0]}x{SIZE[1]}-{images.VERSION + 1}"
    assert len(list(other.glob("*.npy"))) == before


def test_a_changed_picture_and_a_changed_box_are_decoded_anew(faces):
    decode_once(faces, SIZE)
    Image.new("RGB", (64, 64), "red").save(faces.file(0))
    boxed = faces.select(np.arange(4))
    boxed = Manifest(
        **{
            **boxed.__dict__,
            "extra": {"box": np.array(["", "0 0 10 10", "5 5 80 20", ""], dtype=object)},
        }
    )
    served, bad = decode_once(boxed, SIZE)
    assert not bad
    assert served[0][0, 0].tolist() == [255, 0, 0]
    check_same(boxed, served)


def test_what_cannot_be_decoded_is_told_and_copies_of_it_too(faces):
    for i in (1, 4):
        faces.file(i).write_bytes(b"no picture")
    faces.file(6).unlink()
    assert {i: str(e) for i, e in check_pictures(faces, SIZE).items()}.keys() == {1, 4, 6}
    served, bad = decode_once(faces, SIZE)
    assert bad.keys() == {1, 4, 6}
    assert "not a picture" in str(bad[1]) + str(bad[4])
    assert "row 8, " in str(bad[6])
    rest = [i for i in range(len(faces)) if i not in bad]
    assert np.array_equal(served[rest[5]], read_image(faces.file(rest[5]), "it", SIZE))


def _decode(folder, size=SIZE):
    served, bad = decode_once(Manifest.read(Path(folder) / "manifest.csv", SCHEMA), size)
    assert not bad
    return [int(served[i].sum()) for i in range(len(served))]


def test_two_processes_at_once_agree(faces):
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        first, second = pool.map(_decode, [str(faces.root)] * 2)
    assert first == second == _decode(faces.root)


def test_an_interrupted_process_leaves_what_it_finished(faces, monkeypatch):
    monkeypatch.setattr(cache, "_SHARD_BYTES", 10 * SIZE[0] * SIZE[1] * 3)
    child = os.fork()
    if child == 0:
        _decode(faces.root)
        os._exit(0)
    while len(shards()) < 4:
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    finished = len(Shards(shards()[0].parent))
    assert finished > 0
    check_same(faces, decode_once(faces, SIZE)[0])
    assert len(Shards(shards()[0].parent)) == len(faces)  # none twice


def test_no_room(faces, monkeypatch, tmp_path):
    decode_once(faces.select(np.arange(8)), SIZE)
    monkeypatch.setattr(
        cache.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9 - 10, 10)
    )
    with pytest.raises(NoRoomError, match="0.0 GiB free"):
        decode_once(faces, SIZE)
    check_same(
        faces.select(np.arange(8)), decode_once(faces.select(np.arange(8)), SIZE)[0]
    )  # nothing is missing
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(NoRoomError, match="below"):
        decode_once(faces, SIZE)


@pytest.mark.parametrize("name", [".npy", ".keys.npy"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda f: f.unlink(),
        lambda f: f.write_bytes(b""),
        lambda f: f.write_bytes(f.read_bytes()[:-9]),
    ],
)
def test_a_damaged_shard_is_made_anew(faces, name, damage):
    decode_once(faces, SIZE)
    for file in [
        f for f in shards() if f.name.endswith(name) and f.name.count(".") == name.count(".")
    ]:
        damage(file)
    served, bad = decode_once(faces, SIZE)
    assert not bad
    check_same(faces, served)


def flip(file, place, by=0xFF):
    content = bytearray(file.read_bytes())
    content[place % len(content)] ^= by
    file.write_bytes(content)


def test_a_picture_changed_on_disk_is_made_anew_and_said_once(faces, capsys):
    decode_once(faces, SIZE)
    rows = next(f for f in shards() if not f.name.endswith(".keys.npy"))
    picture = SIZE[0] * SIZE[1] * 3
    for place in (3 * picture, 3 * picture + 7, 5 * picture):  # two pictures, one of them twice
        flip(rows, -1 - place)
    served, bad = decode_once(faces, SIZE)
    assert not bad
    check_same(faces, served)
    assert ": 2 damaged on disk, made anew" in capsys.readouterr().out
    check_same(faces, decode_once(faces, SIZE)[0])
    assert capsys.readouterr().out == ""


def test_a_picture_that_changes_on_disk_while_it_is_served(faces, capsys):
    served, _ = decode_once(faces, SIZE)
    for rows in [f for f in shards() if not f.name.endswith(".keys.npy")]:
        flip(rows, -1)
        flip(rows, -1 - SIZE[0] * SIZE[1] * 3)
    check_same(faces, served)
    assert capsys.readouterr().out.count("decoded anew") == 1


def test_digests_changed_on_disk_are_made_anew(faces, capsys):
    keys, bad = picture_keys(faces)
    assert not bad
    assert len(set(keys.tolist())) == len(faces)
    for file in (cache_folder() / cache.FILES).glob("*.npy"):
        if not file.name.endswith(".keys.npy"):
            flip(file, -3)
    assert np.array_equal(picture_keys(faces)[0], keys)
    assert ": 1 damaged on disk" in capsys.readouterr().out

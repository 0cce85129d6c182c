"""Shards find what was added and notice whatever changed on disk."""

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modular_cls.data import cache, images
from modular_cls.data.cache import decode_once
from modular_cls.data.faces.write import SCHEMA
from modular_cls.data.manifest import Manifest
from modular_cls.data.shards import KEY, Shards
from modular_cls.files import cache_folder

SIZE = (32, 24)


@pytest.fixture
def faces(faces_dir, tmp_path, monkeypatch):
    """All drawn faces, copied, and an empty folder for decoded pictures."""
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "cache"))
    return Manifest.read(shutil.copytree(faces_dir, tmp_path / "faces") / "manifest.csv", SCHEMA)


def shards():
    return sorted((cache_folder() / f"{SIZE[0]}x{SIZE[1]}-{images.VERSION}").glob("*.npy"))


@pytest.mark.parametrize("bytes_left", [100, 130, 200, 400])
def test_a_disk_that_fills_up_leaves_no_shard(bytes_left, tmp_path, writes_up_to):
    """Not even a short one: numpy's own writing does not notice the last bytes missing."""
    shards = Shards(tmp_path)
    with writes_up_to(bytes_left), pytest.raises(OSError, match="File too large"):
        shards.add(np.array([b"a" * 16, b"b" * 16]), np.zeros((2, 300), dtype=np.uint8))
    assert len(shards) == len(Shards(tmp_path)) == 0
    assert list(tmp_path.glob("*.keys.npy")) == []


def flip(file, place, by=0xFF):
    content = bytearray(file.read_bytes())
    content[place % len(content)] ^= by
    file.write_bytes(content)


@settings(max_examples=60, deadline=None)
@given(st.booleans(), st.integers(0), st.integers(1, 255))
def test_any_flipped_byte_of_a_shard_is_noticed(tmp_path_factory, of_keys, place, by):
    folder = tmp_path_factory.mktemp("shards")
    keys = np.array([bytes([i]) * 16 for i in range(5)], dtype=KEY)
    rows = np.arange(60, dtype=np.float16).reshape(5, 3, 4)
    Shards(folder).add(keys, rows)
    flip(next(f for f in folder.iterdir() if f.name.endswith(".keys.npy") == of_keys), place, by)
    damaged = Shards(folder)
    for row, found in zip(rows, damaged.find_sound(keys).tolist(), strict=True):
        if found >= 0:
            assert damaged[found].dtype == row.dtype
            assert np.array_equal(damaged[found], row)
    missing = damaged.find_sound(keys) < 0
    damaged.add(keys[missing], rows[missing])
    assert all(
        np.array_equal(damaged[p], row)
        for p, row in zip(Shards(folder).find(keys), rows, strict=True)
    )


def test_what_another_process_wrote_meanwhile_is_not_written_twice(faces):
    decode_once(faces, SIZE)
    folder = shards()[0].parent
    before = len(Shards(folder))
    cache._keep(folder, Shards(folder).keys[:5], [np.zeros((*SIZE, 3), np.uint8)] * 5)
    assert len(Shards(folder)) == before


@settings(max_examples=20)
@given(st.lists(st.lists(st.binary(min_size=16, max_size=16) | st.sampled_from([bytes(16), b"a" + bytes(15)]), max_size=6)),
       st.lists(st.binary(min_size=16, max_size=16), max_size=4))  # fmt: skip
def test_shards_find_what_was_added_and_nothing_else(tmp_path_factory, added, others):
    folder = tmp_path_factory.mktemp("shards")
    store = Shards(folder)
    for keys in added:
        store.add(np.array(keys, dtype=KEY), np.array([list(key) for key in keys], dtype=np.uint8))
    every = [key for keys in added for key in keys]
    for opened in (store, Shards(folder)):
        assert len(opened) == len(every)
        for key, place in zip(
            every + others, opened.find(np.array(every + others, dtype=KEY)), strict=True
        ):
            assert bytes(opened[place]) == key if key in every else place == -1


@given(st.integers(0, 2**32))
@settings(max_examples=5, deadline=None)
def test_rows_that_end_in_zeros_are_sound(tmp_path_factory, seed):
    rng = np.random.default_rng(seed)
    keys = np.array([rng.bytes(14) + bytes((i, 0)) for i in range(1, 20)], dtype=KEY)
    folder = tmp_path_factory.mktemp("shards")
    Shards(folder).add(keys, keys)
    assert (Shards(folder).find_sound(keys) >= 0).all()
    assert [Shards(folder)[i] for i in range(19)] == keys.tolist()

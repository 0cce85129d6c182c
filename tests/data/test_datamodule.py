"""What the data module reads, skips, holds out and draws."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from modular_cls.config import Data, Scarcity
from modular_cls.data.datamodule import AttributeDataModule
from modular_cls.data.faces.write import SCHEMA
from modular_cls.errors import ManifestError

RARE = {"hair": "long", "gender": "male"}


def module(faces_dir, keep=5, seed=0, **more):
    data = Data(
        manifest=str(faces_dir / "manifest.csv"),
        image_size=32,
        workers=0,
        scarcity=Scarcity(RARE, keep),
        **more,
    )
    return AttributeDataModule(SCHEMA, data, seed, updates=2)


def decoded(data, split="train"):
    data.decode(progress=False)
    dataset = data.datasets[split]
    return {path: dataset._decoded[i] for i, path in enumerate(dataset.manifest.paths)}


@pytest.fixture
def spoiled(faces_dir, tmp_path):
    """A copy of the faces whose training picture in row 3 is cut off and in row 5 is missing."""
    mine = shutil.copytree(faces_dir, tmp_path / "faces")
    rows = (mine / "manifest.csv").read_text().splitlines()
    cut, lost = (mine / rows[i - 1].split(",")[0] for i in (3, 5))
    cut.write_bytes(cut.read_bytes()[:200])
    lost.unlink()
    return mine


@pytest.mark.parametrize("cache_gib", [20.0, 0.0])
def test_bad_pictures_are_skipped_and_counted(cache_gib, spoiled, faces_dir):
    whole = module(faces_dir, None, cache_gib=cache_gib)
    with pytest.raises(
        ManifestError,
        match=rf"2 of {len(whole.manifest)} .* allows 1\.00%(.|\n)*row 3, .*(.|\n)*row 5, .*no such file",
    ):
        module(spoiled, None, on_bad_image="skip", cache_gib=cache_gib)
    part = module(spoiled, None, on_bad_image="skip", max_bad=0.02, cache_gib=cache_gib)
    assert part.skipped == 2
    assert set(whole.manifest.rows) - set(part.manifest.rows) == {3, 5}
    part.decode(progress=False)
    assert len(list(part.train_dataloader())) == 2


def test_only_the_splits_asked_for_are_read(spoiled, faces_dir):
    trained = len(module(faces_dir, None).manifest.split("train"))
    data = Data(
        manifest=str(spoiled / "manifest.csv"),
        image_size=32,
        workers=0,
        on_bad_image="skip",
        max_bad=0.0,
    )
    assert AttributeDataModule(SCHEMA, data, seed=0, splits=("test",)).skipped == 0
    with pytest.raises(ManifestError, match=f"2 of {trained} pictures"):
        AttributeDataModule(SCHEMA, data, seed=0, splits=("train",))


def test_without_room_pictures_are_decoded_anew(faces_dir, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "file" / "below"))
    data = module(faces_dir)
    data.decode(progress=False)
    assert "decoded anew each time" in capsys.readouterr().out
    assert not data.datasets["train"].is_decoded
    assert len(list(data.train_dataloader())) == 2


def test_all_bad_pictures_are_named_at_once(spoiled):
    with pytest.raises(ManifestError, match=r"row 3, .*broken(.|\n)*row 5, .*no such file"):
        module(spoiled, None).decode(progress=False)


def test_only_the_box_of_a_row_is_seen(tmp_path):
    picture = Image.new("RGB", (40, 20), "red")
    picture.paste("blue", (20, 0, 40, 20))
    picture.save(tmp_path / "a.png")
    rows = [
        f"a.png,{s},short,male,{b}"
        for s, b in (("train", "20 0 20 20"), ("validation", "0 0 20 20"), ("test", ""))
    ]
    (tmp_path / "manifest.csv").write_text("\n".join(["path,split,hair,gender,box", *rows, ""]))
    data = module(tmp_path, None)
    means = [
        decoded(data, split)["a.png"].mean((0, 1)).round().tolist()
        for split in ("train", "validation")
    ]
    assert means == [[0, 0, 255], [255, 0, 0]]
    whole = decoded(data, "test")["a.png"]
    assert whole[0, 0].tolist() == [255, 0, 0]
    assert whole[0, -1].tolist() == [0, 0, 255]


def test_a_picture_that_has_changed_is_decoded_anew(faces_dir, tmp_path):
    mine = shutil.copytree(faces_dir, tmp_path / "faces")
    path, before = next(iter(decoded(module(mine)).items()))
    Image.new("RGB", (64, 64), "red").save(mine / path)
    after = decoded(module(mine))[path]
    assert not np.array_equal(before, after)
    assert after[0, 0].tolist() == [255, 0, 0]


def test_held_out_images_are_training_images_that_the_fit_does_not_see(faces_dir):
    whole, part = module(faces_dir, 10), module(faces_dir, 10, hold_out=0.5)
    out, fitted = part.datasets["held_out"].manifest, part.datasets["train"].manifest
    assert out.counts(SCHEMA.composites[0]).tolist() == [12, 12, 12, 5]
    assert not set(out.paths) & set(fitted.paths)
    assert set(out.paths) | set(fitted.paths) == set(whole.datasets["train"].manifest.paths)
    assert part.train_digest == whole.train_digest != module(faces_dir, 5).train_digest


@pytest.mark.parametrize("sampling", ["shuffled", "balanced"])
def test_sampling(sampling, faces_dir):
    data = module(faces_dir, 5, sampling=sampling, batch_size=48)
    seen = np.concatenate(
        [batch["target"]["hair_gender"].numpy() for batch in data.train_dataloader()]
    )
    share = np.bincount(seen, minlength=4)[3] / len(seen)
    assert bool(share > 0.1) == (sampling == "balanced")


@pytest.mark.parametrize("sampling", ["shuffled", "balanced"])
def test_the_seed_decides_order_and_augmentation_and_nothing_else_does(sampling, faces_dir):
    """Of training images alone; those of other splits come in order and as they are."""

    def shown(seed, **more):
        data = module(faces_dir, None, seed, sampling=sampling, batch_size=96, **more)
        batches = list(data.train_dataloader())
        rows = torch.cat([b["row"] for b in batches]).tolist()
        pictures = torch.cat([b["image"] for b in batches])
        return rows, dict(zip(rows, pictures, strict=True)), data

    (rows, pictures, data), (again, same, _), (others, changed, _) = map(shown, (0, 0, 1))
    assert rows == again
    assert all(torch.equal(pictures[row], same[row]) for row in pictures)
    assert rows != others
    common = pictures.keys() & changed.keys()
    train = data.datasets["train"]
    plain = {d["row"]: d["image"] for d in map(train.__getitem__, range(len(train)))}
    assert all((pictures[row] != changed[row]).any() for row in common)
    assert all((pictures[row] != plain[row]).any() for row in pictures)
    for split in ("validation", "test"):
        seen = torch.cat([b["image"] for b in data.split_dataloader(split)])
        asked = [data.datasets[split][i]["image"] for i in range(len(seen))]
        assert torch.equal(seen, torch.stack(asked))

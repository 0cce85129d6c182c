"""A run and a folder of pictures, some of them odd."""

import shutil

import pytest

from modular_cls import load_config, train


@pytest.fixture(scope="session")
def run_dir(faces_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("predict") / "run"
    config = load_config("configs/modular.yaml", data__manifest=faces_dir / "manifest.csv", data__workers=0,
                         data__image_size=32, data__scarcity__keep=3, training__updates=6)  # fmt: skip
    train(config, out, progress=False)
    return out


@pytest.fixture
def folder(faces_dir, tmp_path):
    """Eight pictures in folders, and one that is broken."""
    photos = tmp_path / "photos"
    (photos / "deep" / "er").mkdir(parents=True)
    files = sorted((faces_dir / "test").glob("*.png"))[:8]
    for i, file in enumerate(files):
        shutil.copy(file, photos / ("deep/er" if i > 4 else "") / f"{i}.png")
    (photos / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    (photos / "notes.txt").write_text("no picture either")
    return photos

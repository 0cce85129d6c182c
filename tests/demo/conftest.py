"""What tests of the page share."""

import pytest

from modular_cls import load_config, train

pytest.importorskip("fastapi", reason="the page needs the extra [demo]")
from tests.demo.asking import start


@pytest.fixture(scope="session")
def run_dirs(faces_dir, tmp_path_factory):
    """A modular and a flat run of some updates, on the same pictures."""
    out = tmp_path_factory.mktemp("demo")
    for name in ("modular", "flat"):
        config = load_config(f"configs/{name}.yaml", data__manifest=faces_dir / "manifest.csv", data__workers=0,
                             data__image_size=32, training__updates=12)  # fmt: skip
        train(config, out / name, progress=False)
    return [out / "modular", out / "flat"]


@pytest.fixture(scope="module")
def port(run_dirs):
    return start(run_dirs[:1])


@pytest.fixture(scope="module")
def picture(faces_dir):
    return next((faces_dir / "test").glob("*.png")).read_bytes()

"""Small real runs and their exports, made once."""

import shutil

import pytest
import yaml

from modular_cls import train
from modular_cls.cli import main
from modular_cls.export.export import export_run
from tests.export.small_exports import ODD, SIZE, tiny


@pytest.fixture(scope="session")
def run_dir(faces_dir, tmp_path_factory):
    """A modular run under a prior of its own; hair stands before gender, short before long."""
    out = tmp_path_factory.mktemp("export") / "run"
    train(
        tiny(faces_dir, "modular", prediction__prior='{"long_haired_man": 0.4}'),
        out,
        progress=False,
    )
    return out


@pytest.fixture(scope="session")
def exported(run_dir):
    out = run_dir.with_name("out")
    assert main(["export", str(run_dir), "--out", str(out), "--license", "mit"]) == 0
    return out


@pytest.fixture(scope="session")
def flat_vit(faces_dir, tmp_path_factory):
    """A flat run on a vision transformer that never predicts long hair; its composite has a name of its own; its export."""
    out = tmp_path_factory.mktemp("vit")
    schema = {
        "attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
        "composites": {ODD: {"attributes": ["hair", "gender"]}},
    }
    (out / "schema.yaml").write_text(
        yaml.safe_dump(
            {"schema": schema, "prediction": {"prior": {"short_female": 0.3, "short_male": 0.7}}},
            sort_keys=False,
        )
    )
    config = tiny(
        faces_dir,
        "flat",
        out / "schema.yaml",
        backbone__name="test_vit",
        backbone__args=f"{{img_size: {SIZE}}}",
    )
    train(config, out / "run", progress=False)
    export_run(out / "run", out / "out")
    return out / "run", out / "out"


@pytest.fixture(scope="session")
def files(faces_dir):
    return sorted((faces_dir / "test").glob("*.png"))[:7]


@pytest.fixture
def copy(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / "copy")

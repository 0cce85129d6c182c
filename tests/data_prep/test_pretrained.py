"""ImageNet weights out of a package; most of it needs that package (extra `pretrained`)."""

import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pretrained
import pytest
import timm
import torch

from modular_cls import Run, load_config, train
from modular_cls.config import Backbone
from modular_cls.errors import ConfigError
from modular_cls.models.backbone import create_backbone

ROOT = Path(__file__).parent.parent.parent
try:
    distribution(pretrained.PACKAGE)
    INSTALLED = True
except PackageNotFoundError:
    INSTALLED = False
needs_package = pytest.mark.skipif(not INSTALLED, reason=f"needs the package {pretrained.PACKAGE}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("weights") / "efficientnet_lite0"
    assert pretrained.main(["--out", str(out)]) == 0
    return out


@needs_package
def test_timm_reads_the_folder_and_every_weight_is_the_packages(folder):
    model = timm.create_model(f"local-dir:{folder}", pretrained=True)
    assert model.num_classes == 1000
    # Both count layers in the same order: an independent way to pair them up.
    pairs = zip(model.state_dict().values(), pretrained.package_weights().values(), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)


@needs_package
def test_it_is_written_once_and_nothing_else_is_replaced(folder, tmp_path, capsys):
    assert pretrained.main(["--out", str(folder)]) == 1
    assert "--overwrite" in capsys.readouterr().err
    (tmp_path / "thesis.txt").write_text("years of work")
    assert pretrained.main(["--out", str(tmp_path), "--overwrite"]) == 1
    assert (tmp_path / "thesis.txt").exists()


@needs_package
def test_a_run_starts_from_it_and_needs_its_folder_to_be_loaded(folder, faces_dir, tmp_path):
    mine = shutil.copytree(folder, tmp_path / "weights")
    config = load_config(
        ROOT / "configs/modular.yaml", ROOT / "configs/backbone/efficientnet_lite0.yaml",
        backbone__name=f"local-dir:{mine}", data__manifest=faces_dir / "manifest.csv", data__workers=0,
        data__image_size=32, data__batch_size=2, training__updates=1, training__learning_rate=1e-9,
    )  # fmt: skip
    run = train(config, tmp_path / "run", progress=False)
    started = timm.create_model(f"local-dir:{mine}", pretrained=True).conv_stem.weight
    torch.testing.assert_close(
        run.model.backbone.conv_stem.weight.contiguous(), started, atol=1e-6, rtol=0
    )
    again = Run.load(tmp_path / "run")
    image = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(run.model.extract(image), again.model.extract(image))
    shutil.rmtree(mine)
    with pytest.raises(
        ConfigError, match=r"is no timm folder.*also when a run made from it is loaded"
    ):
        Run.load(tmp_path / "run")


def test_what_does_not_fit_is_named():
    model = timm.create_model(pretrained.ARCHITECTURE)
    with pytest.raises(
        ConfigError, match=r"conv_stem.weight: found \(1, 2\), accepted \(32, 3, 3, 3\)"
    ):
        pretrained.rename(
            {"_conv_stem.weight": torch.zeros(1, 2), "_blocks.99._bn1.bias": torch.zeros(1)}, model
        )


def test_without_the_package_it_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(pretrained, "PACKAGE", "no-such-package-anywhere")
    assert pretrained.main(["--out", str(tmp_path / "out")]) == 1
    assert "pip install 'modular-cls[pretrained]'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_there_is_told():
    with pytest.raises(ConfigError, match=r"nowhere is no timm folder.*data_prep/pretrained.py"):
        create_backbone(Backbone("local-dir:nowhere", pretrained=True))


def test_without_a_hub_it_says_what_else_there_is(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        ConfigError, match=r"without one: pretrained: false, or name: local-dir:FOLDER"
    ):
        create_backbone(Backbone("hf-hub:nobody/nothing", pretrained=True))

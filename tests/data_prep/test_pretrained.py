"""ImageNet weights out of a package; most of it needs that package (extra `pretrained`)."""

from dataclasses import replace
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
LITE0 = pretrained.NETWORKS["lite0"]


def is_installed(network):
    try:
        return bool(distribution(pretrained.NETWORKS[network].package))
    except PackageNotFoundError:
        return False


needs_package = pytest.mark.skipif(
    not is_installed("lite0"), reason=f"needs the package {LITE0.package}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("weights") / "efficientnet_lite0"
    assert pretrained.main(["--out", str(out)]) == 0
    return out


@pytest.mark.parametrize("network", list(pretrained.NETWORKS))
def test_timm_reads_the_folder_and_every_weight_is_the_packages(network, tmp_path):
    if not is_installed(network):
        pytest.skip(f"needs the package {pretrained.NETWORKS[network].package}")
    out = tmp_path / "weights"
    assert pretrained.main(["--network", network, "--out", str(out)]) == 0
    model = timm.create_model(f"local-dir:{out}", pretrained=True)
    assert model.num_classes == 1000
    # Both count layers in the same order: an independent way to pair them up.
    theirs = pretrained.package_weights(network).values()
    pairs = zip(model.state_dict().values(), theirs, strict=True)
    assert all(torch.equal(ours, weight) for ours, weight in pairs)


@pytest.mark.parametrize("network", list(pretrained.NETWORKS))
def test_every_network_has_its_configuration(network):
    path = ROOT / f"configs/backbone/efficientnet_{network}.yaml"
    config = load_config(ROOT / "configs/modular.yaml", path)
    assert config.backbone.name == f"local-dir:data/efficientnet_{network}"
    assert config.backbone.frozen
    assert config.data.image_size == 160
    wanted = f"--network {network} " if network != "lite0" else "pretrained.py --out"
    assert wanted in path.read_text()


@needs_package
def test_it_is_written_once_and_nothing_else_is_replaced(folder, tmp_path, capsys):
    assert pretrained.main(["--out", str(folder)]) == 1
    assert "--overwrite" in capsys.readouterr().err
    (tmp_path / "thesis.txt").write_text("years of work")
    assert pretrained.main(["--out", str(tmp_path), "--overwrite"]) == 1
    assert (tmp_path / "thesis.txt").exists()


@needs_package
def test_a_run_starts_from_it(folder, faces_dir, tmp_path):
    config = load_config(
        ROOT / "configs/modular.yaml", ROOT / "configs/backbone/efficientnet_lite0.yaml",
        backbone__name=f"local-dir:{folder}", backbone__frozen=False, data__workers=0,
        data__manifest=faces_dir / "manifest.csv", data__image_size=32, data__batch_size=2,
        training__updates=1, training__learning_rate=1e-9,
    )  # fmt: skip
    run = train(config, tmp_path / "run", progress=False)
    started = timm.create_model(f"local-dir:{folder}", pretrained=True).conv_stem.weight
    torch.testing.assert_close(
        run.model.backbone.conv_stem.weight.contiguous(), started, atol=1e-6, rtol=0
    )
    again = Run.load(tmp_path / "run")
    image = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(run.model.extract(image), again.model.extract(image))


def test_what_does_not_fit_is_named():
    model = timm.create_model(LITE0.architecture)
    with pytest.raises(
        ConfigError, match=r"conv_stem.weight: found \(1, 2\), accepted \(32, 3, 3, 3\)"
    ):
        pretrained.rename(
            {"_conv_stem.weight": torch.zeros(1, 2), "_blocks.99._bn1.bias": torch.zeros(1)}, model
        )


@pytest.mark.parametrize(
    ("network", "told"),
    [
        ("lite0", "pip install 'modular-cls[pretrained]'"),
        ("lite2", "pip install no-such-package-anywhere==0.1.0"),
    ],
)
def test_without_the_package_it_says_what_to_install(network, told, monkeypatch, tmp_path, capsys):
    absent = replace(pretrained.NETWORKS[network], package="no-such-package-anywhere")
    monkeypatch.setitem(pretrained.NETWORKS, network, absent)
    assert pretrained.main(["--network", network, "--out", str(tmp_path / "out")]) == 1
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_there_is_told():
    with pytest.raises(ConfigError, match=r"nowhere is no timm folder.*data_prep/pretrained.py"):
        create_backbone(Backbone("local-dir:nowhere", pretrained=True))

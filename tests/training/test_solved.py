"""What can be solved, and what is told where it cannot."""

import pytest

from modular_cls import (
    load_config,
    train,
)
from modular_cls.errors import ConfigError, UndefinedError
from modular_cls.files import cache_folder
from modular_cls.training.train import make_fit


def frozen(faces_dir, pretrained_dir, method="modular", **given):
    given = {
        "backbone__name": f"local-dir:{pretrained_dir}",
        "backbone__pretrained": True,
        "backbone__frozen": True,
        "backbone__args": "{}",
        "data__manifest": faces_dir / "manifest.csv",
        "data__image_size": 32,
        "data__workers": 0,
        "heads__folds": 3,
        "heads__ridges": "[1e-5, 1e-3, 1e-1]",
    } | given
    return load_config(f"configs/{method}.yaml", **given)


def test_the_edge_of_the_grid_is_said(faces_dir, pretrained_dir, capsys):
    fit = make_fit(frozen(faces_dir, pretrained_dir, heads__ridges="[10, 100]"))
    fit.run()
    assert "ridge 1e+01 by cross-validation, at the edge" in capsys.readouterr().out


def shortened(faces_dir, tmp_path, keep):
    rows = (faces_dir / "manifest.csv").read_text().splitlines()
    header = rows[0].split(",")
    kept = [row for row in rows[1:] if keep(dict(zip(header, row.split(","), strict=True)))]
    (tmp_path / "manifest.csv").write_text("\n".join([rows[0], *kept]) + "\n")
    return {
        "data__manifest": tmp_path / "manifest.csv",
        "data__root": faces_dir,
        "data__scarcity": None,
    }


def test_one_class_only_is_refused_before_the_pictures_are_read(
    faces_dir, pretrained_dir, tmp_path, monkeypatch
):
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "cache"))
    only = shortened(faces_dir, tmp_path, lambda r: (r["hair"], r["gender"]) == ("short", "male"))
    with pytest.raises(ConfigError, match=r"of one class only \(short_male\)"):
        make_fit(frozen(faces_dir, pretrained_dir, **only))
    assert not (cache_folder() / "features").exists()


def test_a_value_without_images_is_told_and_the_rest_works(
    faces_dir, pretrained_dir, tmp_path, capsys
):
    women = shortened(faces_dir, tmp_path, lambda r: r["gender"] == "female")
    run = train(frozen(faces_dir, pretrained_dir, **women), tmp_path / "run", progress=False)
    assert "never predicted: short_male, long_haired_man" in capsys.readouterr().out
    assert run.metrics["test"]["gender"]["accuracy"] == 1
    assert run.metrics["test"]["hair"]["balanced_accuracy"] > 0.5


def test_methods_that_no_solver_has(faces_dir, pretrained_dir):
    for method in ("mlp", "flat_group_dro", "flat_ldam_drw"):
        with pytest.raises(UndefinedError):
            make_fit(frozen(faces_dir, pretrained_dir, method))

"""A configuration that stands on others is what these are, applied one after the other."""

import pytest
import yaml

from modular_cls import load_config
from modular_cls.cli import main
from modular_cls.config.bases import with_bases
from modular_cls.config.shipped import CONFIGS
from modular_cls.errors import ConfigError
from modular_cls.parsing import read_config

LOW = {"data": {"image_size": 32, "workers": 0}, "finish": [{"name": "FitBias", "kappa": 1.0}]}
TOP = {"data": {"image_size": 48}, "training": {"learning_rate": 2.5e-6}, "finish": [{"name": "FitBias"}]}  # fmt: skip


def write(path, content):
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_chain_is_its_files_in_order_and_so_is_its_run(tmp_path):
    """Later keys win, lists and parts are replaced; nothing of the chain stays in what is kept."""
    (tmp_path / "below").mkdir()
    parts = [CONFIGS / "modular.yaml", write(tmp_path / "a.yaml", LOW), write(tmp_path / "b.yaml", TOP)]  # fmt: skip
    write(tmp_path / "below" / "low.yaml", {"base": "modular"} | LOW)  # a method's bare name
    chain = write(tmp_path / "top.yaml", {"base": "below/low.yaml"} | TOP)
    config = load_config(chain, seed=3)
    assert config == load_config(*parts, seed=3)
    assert (config.data.image_size, config.data.workers) == (48, 0)
    assert config.finish == [{"name": "FitBias"}]
    assert config.model == load_config(parts[0]).model
    assert read_config(write(tmp_path / "config.yaml", config.to_dict())) == config


def test_a_base_lies_beside_the_file_that_names_it_before_it_is_one_of_the_package(tmp_path):
    mine = write(tmp_path / "flat.yaml", {"base": "base.yaml"})
    top = write(tmp_path / "top.yaml", {"base": "flat.yaml"})
    assert with_bases(top) == [CONFIGS / "base.yaml", mine, top]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"top": "top.yaml"}, "top.yaml -> .*top.yaml"),
        ({"top": "a", "a": "b", "b": "../{folder}/a.yaml"}, "circle: .*top.* -> .*a.* -> .*b.* -> .*a"),
        ({"top": "nowhere.yaml"}, "top.yaml: its base nowhere.yaml is neither in"),
        ({"top": "a", "a": "modullar"}, "a.yaml: its base modullar.yaml .* mean 'modular.yaml'"),
        ({"top": "mine", "mien": "flat"}, "mean 'mien.yaml'"),
        ({"top": ["flat.yaml"]}, "names one file"),
        ({"top": None}, "names one file"),
        ({"top": " "}, "names one file"),
    ],
)  # fmt: skip
def test_a_base_that_is_none_is_told(files, message, tmp_path):
    for name, base in files.items():
        base = base.format(folder=tmp_path.name) if isinstance(base, str) else base
        write(tmp_path / f"{name}.yaml", {"base": base})
    with pytest.raises(ConfigError, match=message):
        with_bases(tmp_path / "top.yaml")


def test_a_complaint_names_the_file_that_it_is_about(tmp_path, capsys):
    low = write(tmp_path / "low.yaml", {"base": "flat", "training": {"updatse": 3}})
    top = write(tmp_path / "top.yaml", {"base": "low"})
    with pytest.raises(SystemExit):
        main(["train", "--config", str(top), "--out", str(tmp_path / "run")])
    told = capsys.readouterr().err
    assert f"{low}: " in told
    assert "did you mean 'updates'" in told


def test_what_a_run_holds_names_no_other_file(tmp_path):
    content = load_config("flat.yaml").to_dict() | {"base": "base.yaml"}
    with pytest.raises(ConfigError, match="unknown key 'base'"):
        read_config(write(tmp_path / "config.yaml", content))

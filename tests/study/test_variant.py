"""Variants that a study writes itself."""

import pytest
import yaml

from modular_cls import load_config
from modular_cls.errors import ConfigError
from modular_cls.study.cells import read_methods
from modular_cls.study.grid import Study

CHANGES = {"data": {"image_size": 32}, "finish": [{"name": "FitBias", "kappa": 1e-6}]}


def configs(*methods, also=()):
    return read_methods(Study([*methods], [5], [0], [*also]))


def test_a_variant_is_the_file_that_says_the_same(tmp_path):
    file, top = tmp_path / "mine.yaml", tmp_path / "top.yaml"
    file.write_text(yaml.safe_dump({"base": "modular", "method": "mine"} | CHANGES))
    top.write_text("data: {image_size: 48}")
    variant, other = {"base": "modular", "name": "mine"} | CHANGES, {"base": str(file), "name": "b"}
    assert configs(variant) == configs(str(file))
    of_variant = configs("modular", variant, other, also=[str(top)])
    assert [c.method for c in of_variant] == ["modular", "mine", "b"]
    assert [c.data.image_size for c in of_variant] == [48, 48, 48]
    assert of_variant[1] == load_config(file, top)
    assert of_variant[2].finish == CHANGES["finish"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"finsih": []}, "x: unknown key 'finsih'.*mean 'finish'"),
        ({"training": {"updatse": 3}}, "x: unknown key 'updatse' in training.*mean 'updates'"),
        ({"data": {"scarcity": {"kep": 3}}}, "x: unknown key 'kep' in data.scarcity.*mean 'keep'"),
        ({"base": "modullar"}, "x: unknown method 'modullar'.*mean 'modular'"),
        ({"base": "base"}, "unknown method 'base'"),
        ({"base": None}, "x: base is None"),
        ({"name": None}, "a variant of flat: name is None"),
        ({"nmae": "y"}, "unknown key 'nmae'.*mean 'name'"),
        ({"name": "a/b"}, "method is 'a/b'"),
        ({"name": "flat"}, "two configurations say method: flat"),
        ({"seed": 3}, "unknown key 'seed'"),
        ({"method": "y"}, "unknown key 'method'"),
        ({"training": 3}, "training is a int"),
    ],
)
def test_what_is_no_variant_is_told_with_its_name(wrong, message):
    with pytest.raises(ConfigError, match=f"study: .*{message}"):
        configs("flat", {"base": "flat", "name": "x"} | wrong)

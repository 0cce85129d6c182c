"""What was chosen for each method, read by a study; a file by hand stands for what tuning writes."""

from dataclasses import replace

import pytest
import yaml

from modular_cls import load_config
from modular_cls.errors import ConfigError
from modular_cls.study.cells import grid
from modular_cls.study.grid import Study
from modular_cls.study.tuned import Tuned, where_of
from modular_cls.training.knob import knob_value
from tests.study.small_methods import OTHER, method, write


@pytest.fixture
def tuned(tmp_path):
    """Chosen for two methods, on the terms of `tiny`."""
    terms = {
        "scarce": OTHER, "keep": 5, "seeds": [100, 101], "budget": {"updates": 3, "batch_size": 8},
        "where": {"backbone": "test_resnet", "manifest": "faces/manifest.csv"},
    }  # fmt: skip
    choice = {"learning_rate": 0.002, "trials": 3, "edges": [], "validation": 0.5}
    methods = {
        "flat": choice | {"knob": {}},
        "flat_logit_adjusted": choice | {"knob": {"criterion.tau": 0.5}},
    }
    (tmp_path / "tuning").mkdir()
    file = tmp_path / "tuning" / "tuned.yaml"
    Tuned(file, terms, methods).write("By hand.")
    return file


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"training": {"updates": 4}}, "chosen at updates 3, batch_size 8, but here flat has updates 4"),
        ({"method": "other"}, "unknown method 'other'"),
        ({"data": {"scarcity": {"joint_class": OTHER, "keep": 5}}}, "which is rare here; choose by another class"),
        ({"method": "flat_logit_adjusted"}, "the knob of flat_logit_adjusted is not criterion.tau any more"),
    ],
)  # fmt: skip
def test_what_was_chosen_for_something_else_is_refused(change, message, tuned, tiny, tmp_path):
    also = [tiny, write(tmp_path / "also.yaml", {"training": change.pop("training", {})})]
    study = Study([method(tmp_path, "flat", **change)], [5], [0], also, tuned=str(tuned))
    with pytest.raises(ConfigError, match=message):
        grid(study, tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("learning_rate", "fast", "learning_rate is 'fast'"),
        ("learning_rate", -1, "above 0"),
        ("knob", 3, "knob must be a mapping"),
        ("trials", None, "trials a whole number"),
    ],
)
def test_a_damaged_choice_is_named(key, value, message, tuned, tmp_path):
    content = yaml.safe_load(tuned.read_text())
    content["methods"]["flat"][key] = value
    with pytest.raises(ConfigError, match=f"tuned.yaml: flat: .*{message}"):
        Tuned.read(write(tmp_path / "tuned.yaml", content))


@pytest.mark.parametrize("manifest", ["manifest.csv", "deep/in/faces/manifest.csv"])
def test_where_a_choice_was_made_is_the_end_of_a_path(manifest):
    config = load_config("configs/flat.yaml")
    config = replace(config, data=replace(config.data, manifest=manifest))
    assert where_of(config)["manifest"] == "/".join(manifest.split("/")[-2:])


@pytest.mark.parametrize(("key", "value"), [("where", "here"), ("scarce", None)])
def test_damaged_terms_are_named(key, value, tuned, tmp_path):
    content = yaml.safe_load(tuned.read_text()) | {key: value}
    with pytest.raises(ConfigError, match="where must be|what was scarce"):
        Tuned.read(write(tmp_path / "tuned.yaml", content))


def test_choices_come_with_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "modular" in Tuned.read("configs/tuned/photographs_leaf.yaml").methods
    with pytest.raises(ConfigError, match="configs/tuned/leafs.yaml: No such file"):
        Tuned.read("configs/tuned/leafs.yaml")


def test_a_choice_on_other_data_is_refused(tuned, tiny, tmp_path):
    study = Study(["flat"], [5], [0], ["configs/data/mnist.yaml"], tuned=str(tuned))
    with pytest.raises(ConfigError, match="chosen on other data: unknown attribute"):
        grid(study, tmp_path)


def test_a_variant_takes_what_was_chosen_for_its_base(tuned, tiny, tmp_path, capsys):
    base = method(tmp_path, "flat_logit_adjusted")
    own = {"criterion": {"name": "JointLikelihood", "tau": 2.5}}
    variants = [
        {"base": base, "name": "longer_name"},
        {"base": base, "name": "stronger"} | own,
    ]
    content = yaml.safe_load(tuned.read_text())
    content["methods"]["flat_logit_adjusted"] |= {
        "learning_rate": 0.03,
        "knob": {"criterion.tau": 2},
    }
    content["where"]["backbone"] = "resnet18"
    file = write(tmp_path / "tuned.yaml", content)
    configs = [c for c, _ in grid(Study(variants, [5], [0], [tiny], tuned=file), tmp_path)]
    assert [c.training.learning_rate for c in configs] == [0.03, 0.03]
    assert [knob_value(c) for c in configs] == [2, 2.5]  # what a variant varies stays
    assert "was chosen with backbone resnet18, here test_resnet" in capsys.readouterr().out

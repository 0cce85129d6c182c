"""Configurations that must be refused when they are read, by what they would need."""

import pytest
import torch

from modular_cls import load_config
from modular_cls.errors import ConfigError

LDAM = "{name: LabelDistributionMargin}"
AUXILIARY = "{name: FlatClassifier, auxiliaries: true}"
REFUSED = [
    ("modular", {"finish": "[{name: FinishStep}]"}, "unknown name 'FinishStep' in finish"),
    ("modular", {"finish": "[{name: FitBias, kappa: much}]"}, "kappa is 'much'.* a number"),
    ("modular", {"finish": "[{name: FitBias, additive: 7}]"}, "unknown key 'additive'"),
    ("flat_group_dro", {"criterion__eta": -1}, "eta is -1.*at least 0"),
    ("flat", {"finish": "[{name: FitBias}]"}, "FitBias needs model ModularClassifier"),
    ("flat", {"criterion": "{name: AttributeLikelihood}"}, "needs attribute heads"),
    ("flat", {"criterion": LDAM}, "FlatClassifier with cosine_scale 30"),
    ("flat_ldam_drw", {"criterion__scale": 7}, "cosine_scale 7"),
    ("flat", {"model": AUXILIARY}, "does not teach the attribute heads"),
    ("two_stage", {"finish": "[]"}, "does not teach the composite heads"),
    ("modular", {"model__interaction": "maybe"}, "interaction is 'maybe'.* true or false"),
    ("modular", {"prediction__prior": "{nobody: 0.5}"}, "unknown joint class 'nobody'"),
    ("modular", {"training__update": 3}, "did you mean '--training.updates'"),
    ("modular", {"schema": "{attributes: {a: [x, y]}, composites: {c: {attributes: [b]}}}"}, "'b'"),
]


@pytest.mark.parametrize(("name", "change", "message"), REFUSED)
def test_refused_when_read(name, change, message):
    with pytest.raises(ValueError, match=message):
        load_config(f"configs/{name}.yaml", **change)


def test_reading_draws_no_random_number():
    before = torch.get_rng_state()
    load_config("configs/mlp.yaml")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training: {updates: null}", "training.updates is null; it must be a whole number"),
        ("data: {augment: {flip: null}}", "data.augment.flip is null; it must be a number"),
        ("training: null", "training is null; it must be a mapping with updates, "),
    ],
)
def test_null_is_no_number(text, message, tmp_path):
    file = tmp_path / "more.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_config("configs/modular.yaml", file)


def test_another_model_in_front_of_the_same_finish_is_told(tmp_path):
    file = tmp_path / "more.yaml"
    file.write_text("model: {name: FlatClassifier}\n")
    with pytest.raises(ConfigError, match="finish: FitBias needs"):
        load_config("configs/modular.yaml", file)


WIDE = {f"a{i}": ["no", "yes"] for i in range(12)}


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"attributes": {"image": ["no", "yes"]}}, "'image' may be no attribute"),
        ({"attributes": {"error": ["no", "yes"]}}, "two columns called error"),
        ({"attributes": {"a": ["x", "b"], "a=b": ["y", "z"]}}, "two columns called a=b"),
        (
            {
                "attributes": WIDE,
                "composites": {f"c{i}": {"attributes": list(WIDE)} for i in range(1_000)},
            },
            "GiB of memory",
        ),
    ],
)
def test_names_and_sizes_that_no_later_verb_could_take(schema, message):
    with pytest.raises(ValueError, match=message):
        load_config("configs/flat.yaml", schema=schema, data__scarcity=None)


@pytest.mark.parametrize("key", ["criterion.taux", "finish.FitBais.kappa", "criterion.schema"])
def test_a_knob_that_no_part_has(key):
    with pytest.raises(ConfigError, match=f"unknown knob.key '{key}'"):
        load_config("configs/modular.yaml", knob=f"{{key: {key}, values: [1, 2]}}")

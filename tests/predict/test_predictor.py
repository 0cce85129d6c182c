"""The predictor: what it says, given what, and what it refuses."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from modular_cls import Predictor, Run, load_config, train
from modular_cls.data.images import read_image
from modular_cls.errors import ConfigError, ImageError, SchemaError
from modular_cls.predict import predictor as predictor_module


@pytest.fixture(scope="module")
def run_dir(faces_dir, tmp_path_factory):
    """A run of some updates without an image of the rare class."""
    out = tmp_path_factory.mktemp("predictor") / "run"
    config = load_config("configs/modular.yaml", data__manifest=faces_dir / "manifest.csv", data__workers=0,
                         data__image_size=32, data__scarcity__keep=0, training__updates=12)  # fmt: skip
    train(config, out, progress=False)
    return out


@pytest.fixture(scope="module")
def predictor(run_dir):
    return Predictor.load(run_dir)


@pytest.fixture(scope="module")
def files(faces_dir):
    return sorted((faces_dir / "test").glob("*.png"))


def test_it_predicts_what_the_run_was_tested_with(run_dir, predictor, files):
    table = [line.split(",") for line in (run_dir / "predictions.csv").read_text().splitlines()]
    tested = {row[0]: dict(zip(table[0], row, strict=True)) for row in table[1:]}
    predicted = predictor(files)
    assert len(predicted) == len(files) == len(tested)
    for output in ("hair", "gender", "hair_gender"):
        assert predicted.names(output) == [
            tested[f"test/{f.name}"][f"{output}:predicted"] for f in files
        ]
        np.testing.assert_allclose(predicted.probabilities[output].sum(1), 1, rtol=1e-5)
    assert predicted.embeddings.shape == (len(files), predictor.model.width)


def test_paths_pictures_and_arrays_are_alike(predictor, files):
    arrays = [read_image(f, "it") for f in files[:3]]
    forms = [list(map(str, files[:3])), [Image.open(f) for f in files[:3]], arrays]
    first, *others = (predictor(form, batch_size=2) for form in forms)
    for other in others:
        np.testing.assert_allclose(
            first.probabilities["hair_gender"], other.probabilities["hair_gender"], atol=1e-6
        )
    assert len(predictor([])) == 0
    assert predictor([]).names("hair") == []


def test_attributes_are_marginals_whatever_is_given(predictor, files):
    for known in (None, {"gender": "male"}, {"hair": {"short": 0.2, "long": 0.8}}):
        p = predictor(files[:5], given=known).probabilities
        grid = p["hair_gender"].reshape(5, 2, 2)
        np.testing.assert_allclose(grid.sum(2), p["hair"], atol=1e-6)
        np.testing.assert_allclose(grid.sum(1), p["gender"], atol=1e-6)


@settings(max_examples=20)
@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_evidence_is_bayes_rule(predictor, files, female, male):
    plain = predictor(files[:4]).probabilities["hair_gender"]
    told = predictor(files[:4], given={"gender": {"female": female, "male": male}}).probabilities[
        "hair_gender"
    ]
    weighted = plain * [female, male, female, male]
    np.testing.assert_allclose(told, weighted / weighted.sum(1, keepdims=True), atol=1e-5)


def test_a_value_set_by_hand_is_certain(predictor, files):
    p = predictor(files[:4], given={"gender": "male"}).probabilities
    np.testing.assert_allclose(p["gender"][:, 1], 1, atol=1e-6)
    assert (p["hair_gender"][:, [0, 2]] == 0).all()


def test_priors(predictor, files):
    scores = predictor.model.score(
        predictor.model.extract(torch.stack([predictor.prepare(f) for f in files[:4]]))
    )
    plain = scores["hair_gender"].detach().double().numpy()
    for prior, share in (
        ("uniform", [1, 1, 1, 1]),
        ("training", predictor.counts["hair_gender"]),
        ({"long_haired_man": 0.7}, [0.1, 0.1, 0.1, 0.7]),
    ):
        expected = np.exp(plain) * share
        expected /= expected.sum(1, keepdims=True)
        found = predictor(files[:4], prior=prior).probabilities["hair_gender"]
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert predictor.counts["hair_gender"] == [24, 24, 24, 0]


def test_it_can_be_pickled(predictor, files):
    """And so mapped over processes, as an example does, whose test starts one."""
    again = pickle.loads(pickle.dumps(predictor))
    expected = predictor(files[:2]).probabilities["hair"]
    np.testing.assert_array_equal(again(files[:2]).probabilities["hair"], expected)


@settings(max_examples=20)
@given(st.floats(1e-300, 1e300), st.floats(-300, 0))
def test_only_ratios_of_what_is_given_count(predictor, files, scale, ratio):
    share = 10.0**ratio
    found = predictor(files[:2], given={"gender": {"female": scale, "male": scale * share}})
    expected = predictor(files[:2], given={"gender": {"female": 1, "male": share}})
    for name, shares in found.probabilities.items():
        assert np.isfinite(shares).all()
        np.testing.assert_allclose(shares, expected.probabilities[name], atol=1e-5)


@pytest.mark.parametrize("share", [np.inf, -np.inf, np.nan, 10**400, "3", None, True, -1e-9, [1]])
def test_what_is_given_must_be_finite_numbers(predictor, files, share):
    with pytest.raises(ConfigError, match="given gender: male has .* must be a finite number"):
        predictor(files[:1], given={"gender": {"male": share}})
    with pytest.raises(ConfigError, match=r"prediction.prior|prior"):
        predictor(files[:1], prior={"long_haired_man": share})


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["backbone", "heads", "log_prior"])
def test_weights_that_are_not_finite_are_refused(run_dir, tmp_path, value, where):
    if where == "log_prior" and value == -np.inf:
        pytest.skip("a class that is out of reach")
    broken = Run.load(run_dir)
    state = broken.model.state_dict()
    name = next(n for n in state if where in n and state[n].is_floating_point())
    state[name][(0,) * state[name].ndim] = float(value)
    with pytest.raises(ConfigError, match=f"weights are not finite numbers: .*{name}"):
        predictor_module._check_weights(tmp_path, broken.model)


def test_weights_so_large_that_features_overflow_are_told(run_dir, files):
    run = Run.load(run_dir)
    for value in run.model.backbone.parameters():
        value.data.mul_(1e30)
    with pytest.raises(ConfigError, match="features are not finite numbers"):
        Predictor(run.model, Predictor.load(run_dir).pixels)(files[:1])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"given": {"beard": "yes"}},
            SchemaError,
            "unknown attribute 'beard'; accepted: hair, gender",
        ),
        ({"given": {"gender": "mal"}}, SchemaError, "did you mean 'male'"),
        ({"given": {"gender": {"male": -1}}}, ConfigError, "at least 0"),
        (
            {"given": {"gender": {"male": float("inf")}}},
            ConfigError,
            "male has inf; it must be a finite number",
        ),
        (
            {"given": {"gender": {"male": float("nan")}}},
            ConfigError,
            "male has nan; it must be a finite number",
        ),
        (
            {"given": {"gender": {"male": 0}}},
            ConfigError,
            "given gender: no joint class of hair_gender",
        ),
        ({"prior": "equal"}, ConfigError, "unknown prior 'equal'"),
        ({"prior": {"long_man": 1}}, ConfigError, "unknown joint class 'long_man'"),
    ],
)
def test_what_does_not_fit_is_refused(predictor, files, arguments, error, message):
    with pytest.raises(error, match=message):
        predictor(files[:1], **arguments)


@pytest.mark.parametrize(
    "array", [np.zeros((4, 4, 3)), np.zeros((4, 4, 2), np.uint8), np.zeros(4, np.uint8)]
)
def test_arrays_that_are_no_pictures(predictor, array):
    with pytest.raises(
        ImageError, match=r"an array must be uint8 of shape \(H, W, 3\) or \(H, W\)"
    ):
        predictor([array])


def test_a_run_that_did_not_count_has_no_training_prior(run_dir, files):
    run = Run.load(run_dir)
    blind = Predictor(run.model, Predictor.load(run_dir).pixels)
    with pytest.raises(ConfigError, match="does not say how many"):
        blind(files[:1], prior="training")


def test_uniform_means_uniform_whatever_prior_the_run_was_given(faces_dir, files, tmp_path):
    config = load_config("configs/modular.yaml", data__manifest=faces_dir / "manifest.csv", data__workers=0,
                         data__image_size=32, data__scarcity__keep=0, training__updates=2,
                         prediction__prior="training")  # fmt: skip
    train(config, tmp_path / "run", progress=False)
    predictor = Predictor.load(tmp_path / "run")
    assert (predictor(files[:3]).probabilities["hair_gender"][:, 3] == 0).all()
    assert (predictor(files[:3], prior="uniform").probabilities["hair_gender"][:, 3] > 0).all()


@pytest.mark.parametrize("alone", ["path", "text", "pillow", "array", "grey"])
def test_one_picture_is_no_list_of_pictures(predictor, files, alone):
    array = np.asarray(Image.open(files[0]))
    kinds = {"path": files[0], "text": str(files[0]), "pillow": Image.open(files[0]),
             "array": array, "grey": array[:, :, 0]}  # fmt: skip
    with pytest.raises(ImageError, match="give a list of them"):
        predictor(kinds[alone])


def test_any_row_of_pictures_is_one(predictor, files):
    arrays = np.stack([np.asarray(Image.open(file)) for file in files[:3]])
    expected = predictor(files[:3]).probabilities["hair"]
    for pictures in (arrays, list(arrays), (file for file in files[:3])):
        assert np.array_equal(predictor(pictures).probabilities["hair"], expected)


@pytest.mark.parametrize(
    "wrong", [None, 3, b"x", torch.zeros(3, 32, 32), np.zeros((0, 4, 3), np.uint8)]
)
def test_what_is_no_picture_is_told(predictor, wrong):
    with pytest.raises(
        ImageError, match=r"picture is a path, one of Pillow|must be uint8 of shape"
    ):
        predictor([wrong])


def test_pictures_that_are_none_and_no_batch(predictor, files):
    with pytest.raises(ImageError, match="give a list"):
        predictor(None)
    for size in (0, -1):
        with pytest.raises(ConfigError, match=f"batch_size is {size}; it must be at least 1"):
            predictor(files, batch_size=size)


@pytest.mark.parametrize(
    ("prior", "known", "message"),
    [
        (None, ["long"], "given is .* it must be a mapping"),
        (None, {"hair": None}, "given hair is None; it must be a value"),
        (None, {"hair": 1}, "unknown value '1' of attribute 'hair'"),
        ([0.5, 0.5], None, "prior is .* a mapping of joint classes"),
        ({"short_female": "half"}, None, "it must be a finite number"),
    ],
)
def test_assumptions_of_another_kind(predictor, files, prior, known, message):
    with pytest.raises((ConfigError, SchemaError), match=message):
        predictor(files[:1], prior=prior, given=known)

"""The estimator on features from anywhere: what it learns, scikit-learn's own checks, what it refuses."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from modular_cls import ComposedClassifier
from modular_cls.errors import ConfigError, ModularClsError, UndefinedError
from tests.training.world import CLASSES, QUICK, SCHEMA, TEST, TRAIN, broken, world


@parametrize_with_checks(
    [ComposedClassifier(**QUICK)],
    expected_failed_checks=lambda _: {
        "check_classifier_multioutput": "probabilities of several outputs are a dictionary by name"
    },
)
def test_scikit_learn(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some checks leave joint classes empty, which is told
        check(estimator)


def test_finds_the_class_that_it_never_saw():
    modular = ComposedClassifier(SCHEMA, **QUICK).fit(*TRAIN)
    with pytest.warns(UserWarning, match="never predicted: long_haired_man"):
        flat = ComposedClassifier(SCHEMA, method="flat_logit_adjusted", **QUICK).fit(*TRAIN)
    rare = TEST[0][150:]
    assert (modular.predict_composite("both", rare) == "long_haired_man").mean() > 0.6
    assert (flat.predict_composite("both", rare) == "long_haired_man").mean() == 0
    assert modular.score(*TEST) > flat.score(*TEST) + 0.1


def test_outputs_belong_together():
    model = ComposedClassifier(SCHEMA, **QUICK).fit(*TRAIN)
    x, table = TEST
    found, probabilities = model.predict(x), model.predict_proba(x)
    assert list(probabilities) == ["hair", "gender", "both"]
    np.testing.assert_allclose(probabilities["both"].sum(1), 1)
    np.testing.assert_allclose(probabilities["hair"][:, 1], probabilities["both"][:, 2:].sum(1))
    for i, values in enumerate(model.classes_):
        most = probabilities[table.columns[i]].argmax(1)
        assert (found[:, i] == values[most]).all()
    most = np.array(CLASSES, dtype=object)[probabilities["both"].argmax(1)]
    assert (model.predict_composite("both", x) == most).all()
    recall = [(most[50 * z : 50 * z + 50] == CLASSES[z]).mean() for z in range(4)]
    assert model.score(x, table) == pytest.approx(np.mean(recall))
    assert model.score(x, table, sample_weight=np.repeat([1, 2, 3, 4], 50)) == pytest.approx(
        np.mean(recall)
    )


def test_in_a_pipeline_and_a_grid():
    x, table = world([30, 30, 30, 10])
    grid = GridSearchCV(
        make_pipeline(StandardScaler(), ComposedClassifier(SCHEMA, folds=2)),
        {
            "composedclassifier__method": ["modular", "flat"],
            "composedclassifier__ridges": [[1e-3], [1e2]],
        },
        cv=KFold(2, shuffle=True, random_state=0),
        error_score="raise",
    ).fit(x, table)
    assert grid.best_params_["composedclassifier__ridges"] == [1e-3]
    assert grid.predict(x).shape == (len(x), 2)
    assert grid.score(x, table) > 0.8


def test_is_cloned_and_kept():
    model = ComposedClassifier(SCHEMA, prior={"long_haired_man": 0.7}, **QUICK)
    assert clone(model).get_params() == model.get_params()
    assert model.set_params(seed=3).seed == 3
    x, table = TRAIN
    kept = pickle.loads(pickle.dumps(model.fit(x, table)))
    np.testing.assert_array_equal(kept.predict_proba(x)["both"], model.predict_proba(x)["both"])


def test_parts_make_a_method():
    parts = {
        "model": {"name": "ModularClassifier", "composite": "Additive"},
        "criterion": {"name": "JointLikelihood"},
        "finish": [{"name": "FitBias", "estimates": ["affine"]}],
    }
    x, table = TRAIN
    model = ComposedClassifier(SCHEMA, method=parts, **QUICK).fit(x, table)
    assert "effective_sample_size/long_haired_man" in model.notes_
    bias = model.model_.composite_heads[0].bias
    assert float(bias[3]) == pytest.approx(float(bias[1] + bias[2] - bias[0]))  # affine, in 2 x 2


def test_the_prior_and_what_is_out_of_reach():
    x, table = TRAIN
    only = ComposedClassifier(SCHEMA, prior={"long_haired_man": 1.0}, **QUICK).fit(x, table)
    assert (only.predict(x) == ["long", "male"]).all()
    asked = ComposedClassifier(SCHEMA, method="flat", unreachable=True, **QUICK).fit(x, table)
    assert asked.predict_proba(x)["both"][:, 3].max() > 0
    men = table["gender"] == "female"
    with pytest.warns(UserWarning, match="never predicted: short_male, long_haired_man"):
        model = ComposedClassifier(SCHEMA, **QUICK).fit(x[men], table[men])
    assert (model.predict(x)[:, 1] == "female").all()
    assert (model.predict(x[men])[:, 0] == table["hair"][men]).mean() > 0.8


def test_fewer_images_than_folds():
    x, table = world([6, 5, 2, 1])
    model = ComposedClassifier(SCHEMA, folds=5).fit(x, table)
    assert model.ridges_["both"]["ridge"] > 0
    assert model.score(x, table) > 0.7


def test_one_identity_stays_in_one_fold():
    """Copies of a row in other folds make every ridge but the smallest look too large; known as copies they do not."""
    x, table = world([10, 10, 10, 10])
    x = np.concatenate([x, np.random.default_rng(5).normal(size=(40, 30))], axis=1)
    x, table = np.repeat(x, 4, axis=0), table.loc[table.index.repeat(4)]
    names = np.repeat([f"person {i}" for i in range(40)], 4)
    blind = ComposedClassifier(SCHEMA).fit(x, table)
    told = ComposedClassifier(SCHEMA).fit(x, table, identity=names)
    assert told.ridges_["both"]["ridge"] > 10 * blind.ridges_["both"]["ridge"]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"ridges": []}, ConfigError, "ridges is empty"),
        ({"ridges": [1e-3, -1.0]}, ConfigError, "ridges holds -1"),
        ({"folds": 1}, ConfigError, "folds is 1"),
        ({"method": "modula"}, ConfigError, "did you mean 'modular'"),
        ({"method": {"modell": "FlatClassifier"}}, ConfigError, "did you mean 'model'"),
        ({"method": {"model": "FlatClassifier"}}, ConfigError, "no criterion"),
        ({"method": "flat_group_dro"}, UndefinedError, "GroupDRO is no fixed convex objective"),
        (
            {"method": "flat_retrained"},
            UndefinedError,
            "without training images of long_haired_man",
        ),
        ({"prior": {"long_haired_men": 0.5}}, ConfigError, "did you mean 'long_haired_man'"),
        ({"schema": {"attributes": {}}}, ModularClsError, "schema"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_parameters_that_do_not_fit(change, error, message):
    with pytest.raises(error, match=message):
        ComposedClassifier(**({"schema": SCHEMA} | QUICK | change)).fit(*TRAIN)


def test_later_features_that_do_not_fit():
    model = ComposedClassifier(SCHEMA, **QUICK).fit(*TRAIN)
    with pytest.raises(ValueError, match="X has 3 features, but ComposedClassifier is expecting 4"):
        model.predict(TRAIN[0][:, :3])
    with pytest.raises(ValueError, match="row 7"):
        model.predict_proba(broken(7, np.nan))
    with pytest.raises(ValueError, match="did you mean 'both'"):
        model.predict_composite("bath", TRAIN[0])
    with pytest.raises(ValueError, match="y: no row has all labels of both"):
        model.score(TRAIN[0], TRAIN[1].assign(hair=None))
    with pytest.raises(ValueError, match="identity 3"):
        model.fit(*TRAIN, identity=["a", "b", "c"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ridges": 1e-3}, "ridges is 0.001; it must be None, or a list of numbers"),
        ({"ridges": "auto"}, "ridges is 'auto'"),
        ({"folds": "2"}, "folds is '2'; it must be a whole number"),
        ({"folds": 2.5}, "folds is 2.5"),
        ({"seed": None}, "seed is None; it must be a whole number"),
        ({"seed": -1}, "seed is -1"),
        ({"prior": {"short_female": "0.5"}}, "it must be a number from 0 to 1"),
        (
            {"method": {"model": {"name": "FlatClassifier"}, "criterion": {"name": "JointLikelihood"},
                        "finish": {"name": "FitBias"}}},
            "finish is .* it must be a list of steps",
        ),
    ],
)  # fmt: skip
def test_settings_of_another_kind_are_named(settings, message):
    x, y = TRAIN
    with pytest.raises(ValueError, match=message):
        ComposedClassifier(SCHEMA, **QUICK | settings).fit(x, y)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], r"sample_weight has shape \(1,\)"),
        ("all", "it must hold numbers"),
        (0.0, "above 0 somewhere"),
        (-1.0, "at least 0"),
        (np.nan, "must be finite"),
    ],
)
def test_weights_that_count_nothing(weights, message):
    model = ComposedClassifier(SCHEMA, **QUICK).fit(*TRAIN)
    x, y = TEST
    given = np.full(len(x), weights) if isinstance(weights, float) else weights
    with pytest.raises(ValueError, match=message):
        model.score(x, y, sample_weight=given)


def test_weights_of_a_series_go_by_place():
    model = ComposedClassifier(SCHEMA, **QUICK).fit(*TRAIN)
    x, y = TEST
    weights = np.arange(1.0, len(x) + 1)
    series = pd.Series(weights, index=range(100, 100 + len(x)))
    assert model.score(x, y, sample_weight=series) == model.score(x, y, sample_weight=weights)


def test_a_column_that_is_there_twice():
    x, y = TRAIN
    frame = pd.DataFrame(y).iloc[:, [0, 0]]
    with pytest.raises(ValueError, match="is there more than once"):
        ComposedClassifier(**QUICK).fit(x, frame)

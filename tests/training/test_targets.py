"""Tables of answers from anywhere, as the estimator takes them."""

import numpy as np
import pandas as pd
import pytest
import torch

from modular_cls import ComposedClassifier
from tests.training.world import QUICK, SCHEMA, TEST, TRAIN, broken, world


def test_tables_of_every_kind_say_the_same():
    x, table = TRAIN
    rows = table.to_numpy(dtype=object)
    forms = [
        table.assign(path="other columns are left out")[["path", "gender", "hair"]],
        {"gender": list(table["gender"]), "hair": list(table["hair"])},
        rows,
        rows.tolist(),
        rows.astype(str),
    ]
    expected = ComposedClassifier(SCHEMA, **QUICK).fit(x, table).predict_proba(x)["both"]
    for form in forms:
        model = ComposedClassifier(SCHEMA, **QUICK).fit(torch.tensor(x), form)
        np.testing.assert_array_equal(model.predict_proba(x)["both"], expected)


@pytest.mark.parametrize("blank", [None, np.nan, "", "  ", pd.NA])
def test_blank_is_unknown(blank):
    """A row that lacks a label is learned from, or that it is left out is told."""
    x, table = TRAIN
    partly = table.astype(object)
    partly.iloc[::10, 1] = blank
    model = ComposedClassifier(SCHEMA, **QUICK).fit(x, partly)
    assert (model._answers.labels.codes[:, 1] < 0).sum() == 10
    assert model.score(*TEST) > 0.75
    with pytest.warns(UserWarning, match="10 rows of y lack some label: left out"):
        ComposedClassifier(SCHEMA, method="flat_class_weights", **QUICK).fit(
            *(np.concatenate([x, TEST[0]]), pd.concat([partly, TEST[1]]))
        )


def test_numbers_are_values_however_written():
    schema = {"attributes": {"digit": ["0", "1"], "slant": ["2", "3"]},
              "composites": {"both": {"attributes": ["digit", "slant"]}}}  # fmt: skip
    x, _ = world([20] * 4)
    z = np.repeat(np.arange(4), 20)
    whole = np.stack([z // 2, 2 + z % 2], axis=1)
    model = ComposedClassifier(schema, **QUICK).fit(x, whole)
    again = ComposedClassifier(schema, **QUICK).fit(x, whole.astype(float))
    np.testing.assert_array_equal(model.predict(x), again.predict(x))


def test_the_schema_comes_from_the_table_where_none_is_given():
    x, table = world([30, 30, 30, 20])
    model = ComposedClassifier(**QUICK).fit(x, table)
    assert list(model.schema_.to_dict()["composites"]) == ["hair_gender"]
    assert list(model.predict_proba(x)) == ["hair", "gender", "hair_gender"]
    assert model.score(x, table) > 0.8
    alone = ComposedClassifier(**QUICK).fit(x, table["hair"])
    assert alone.predict(x).shape == (len(x),)
    assert alone.predict_proba(x).shape == (len(x), 2)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (TRAIN[0], TRAIN[1].replace("long", "lnog"), r"row 70 \(from 0\), column hair: 'lnog'.*did you mean 'long'"),
        (TRAIN[0], TRAIN[1].rename(columns={"hair": "hairs"}), "no column 'hair'; did you mean 'hairs'"),
        (TRAIN[0], TRAIN[1]["hair"], "1 columns; the schema has 2: hair, gender"),
        (TRAIN[0], [["short"], ["long", "male"]], "rows differ in length"),
        (TRAIN[0], {"hair": ["short"] * 100, "gender": ["male"] * 99}, "columns differ in length"),
        (TRAIN[0][:-1], TRAIN[1], "X has 99 rows and y 100"),
        (TRAIN[0], TRAIN[1].assign(hair="short", gender="male"), r"one class only \(short_male\)"),
        (TRAIN[0], TRAIN[1].assign(hair=""), "no training image has all labels of hair, gender"),
        (broken(7, np.nan), TRAIN[1], r"row 7 \(from 0\): NaN or inf"),
        (broken(3, np.inf), TRAIN[1], r"row 3 \(from 0\): NaN or inf"),
        (np.ones((100, 4)), TRAIN[1], "all 100 training images are the same"),
        (TRAIN[0][:, 0], TRAIN[1], "Expected 2D array"),
        (TRAIN[0], None, "y is None"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_tables_that_do_not_fit(x, y, message):
    with pytest.raises(ValueError, match=message):
        ComposedClassifier(SCHEMA, **QUICK).fit(x, y)

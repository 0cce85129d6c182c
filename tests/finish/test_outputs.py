"""What is concluded from attributes: on features whose attributes are known, and in the schema."""

import numpy as np
import pytest
import torch

from modular_cls import ComposedClassifier
from modular_cls.errors import ConfigError, SchemaError
from modular_cls.schema import Schema

MARKS = {"bill": ["long", "short"], "wing": ["dark", "light", "barred"], "crest": ["no", "yes"]}
CODES = {"gull": (0, 1, 0), "tern": (0, 1, 1), "auk": (1, 0, 0), "wren": (1, 2, 0), "jay": (1, 2, 1)}  # fmt: skip
NAMES = list(CODES)
SPEC = {
    "attributes": {"species": NAMES, **MARKS},
    "composites": {"bill_wing": {"attributes": ["bill", "wing"]}},
    "outputs": {"species": {"from": ["bill", "wing", "crest"]}},
}


def birds(count, seed, noise=0.5):
    """Features that show the marks of each bird, a table of labels, and the species."""
    rng = np.random.default_rng(seed)
    species = rng.integers(0, 5, count)
    marks = np.array([CODES[NAMES[s]] for s in species])
    columns = [np.eye(len(v))[marks[:, i]] for i, v in enumerate(MARKS.values())]
    features = np.concatenate(columns, 1)
    table = {n: np.array(v, object)[marks[:, i]] for i, (n, v) in enumerate(MARKS.items())}
    table["species"] = np.array(NAMES, object)[species]
    return features + noise * rng.normal(size=features.shape), table, species


@pytest.fixture(scope="module")
def fitted():
    features, table, _ = birds(500, 0)
    table["species"][::3] = ""  # a label that many lack
    return ComposedClassifier(SPEC, ridges=[1e-4, 1e-3]).fit(features, table)


def test_species_are_found_by_their_marks(fitted):
    features, _, species = birds(500, 1)
    found = fitted.predict_proba(features)
    assert (found["species"].argmax(1) == species).mean() > 0.75  # guessing 0.2; marks are noisy
    assert set(found) == {"species", *MARKS, "bill_wing"}
    np.testing.assert_allclose(found["species"].sum(1), 1, rtol=1e-5)
    assert fitted.notes_["ridge/species"] > 0


def test_no_label_of_the_species_reaches_the_attributes(fitted):
    features, table, _ = birds(500, 0)
    without = {"attributes": MARKS, "composites": SPEC["composites"]}
    plain = ComposedClassifier(without, ridges=[1e-4, 1e-3]).fit(features, table)
    one, other = (model.predict_proba(features) for model in (plain, fitted))
    for name in one:
        np.testing.assert_allclose(one[name], other[name], atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_attributes_set_by_hand_decide(fitted, name):
    model, (features, _, _) = fitted.model_, birds(50, 2)
    evidence = {}
    for (mark, values), code in zip(MARKS.items(), CODES[name], strict=True):
        evidence[mark] = torch.full((len(values),), -torch.inf).index_fill(0, torch.tensor(code), 0)  # fmt: skip
    scores = model.score(torch.from_numpy(features))
    set_by_hand = model.log_probabilities(scores, evidence=evidence)["species"]
    assert (set_by_hand.argmax(1) == NAMES.index(name)).all()
    one_only = model.log_probabilities(scores, evidence={"bill": evidence["bill"]})["species"]
    before = model.log_probabilities(scores)["species"]
    assert (one_only - before)[:, NAMES.index(name)].mean() > 0


def test_a_species_never_seen_is_never_named():
    features, table, _ = birds(300, 3)
    keep = table["species"] != "jay"
    table["species"] = np.where(keep, table["species"], "")
    with pytest.warns(UserWarning, match="jay"):
        fitted = ComposedClassifier(SPEC, ridges=[1e-3]).fit(features, table)
    assert fitted.predict_proba(features)["species"][:, 4].max() == 0


def test_the_flat_rival_scores_species_from_features():
    features, table, species = birds(500, 0)
    flat = ComposedClassifier(SPEC, method="flat", ridges=[1e-4, 1e-3]).fit(features, table)
    assert (flat.predict_proba(features)["species"].argmax(1) == species).mean() > 0.75


def test_one_value_concludes_nothing():
    features, table, _ = birds(100, 0)
    table["species"] = np.where(table["species"] == "gull", "gull", "")
    with pytest.raises(ConfigError, match=r"outputs\.species: training images know 1 of its values"):  # fmt: skip
        ComposedClassifier(SPEC, ridges=[1e-3]).fit(features, table)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spieces": {"from": ["bill"]}}, "unknown attribute 'spieces'.*did you mean 'species'.*list its values"),
        ({"species": {"from": ["bil"]}}, "unknown attribute 'bil' in schema.outputs.species.from.*'bill'"),
        ({"species": {"form": ["bill"]}}, "unknown key 'form'.*did you mean 'from'"),
        ({"species": {"from": []}}, "names no attributes"),
        ({"species": {"from": "bill"}}, "must be a list"),
        ({"species": {"from": ["bill", "bill"]}}, "'bill' appears twice"),
        ({"species": {"from": ["species"]}}, "names species itself"),
        ({"bill": {"from": ["crest"]}}, "composite 'bill_wing' holds 'bill'"),
        ({"species": {"from": ["crest"]}, "crest": {"from": ["bill"]}}, "names 'crest', which is concluded itself"),
    ],
)  # fmt: skip
def test_outputs_that_do_not_fit(change, message):
    with pytest.raises(SchemaError, match=f"(?s){message}"):
        Schema.from_dict(SPEC | {"outputs": change})


def test_the_schema_comes_back():
    schema = Schema.from_dict(SPEC)
    assert Schema.from_dict(schema.to_dict()) == schema
    assert [a.name for a in schema.learned.attributes] == list(MARKS)
    assert schema.learned.learned == schema.learned

"""Outputs that are concluded from attributes: the estimator, the command line, an export."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from modular_cls import ComposedClassifier, Predictor
from modular_cls.cli import main
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


CONFIG = Path(__file__).parent.parent.parent / "configs" / "modular.yaml"


@pytest.fixture(scope="module")
def run(faces_dir, pretrained_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("species")
    with (faces_dir / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (folder / "m.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "split", "hair", "gender", "species"])
        for r in rows:
            species = "tern" if (r["hair"], r["gender"]) == ("long", "male") else "gull"
            writer.writerow([r["path"], r["split"], r["hair"], r["gender"], species])
    given = {
        "schema": {
            "attributes": {
                "species": ["gull", "tern"],
                "hair": ["short", "long"],
                "gender": ["female", "male"],
            },
            "outputs": {"species": {"from": ["hair", "gender"]}},
        },
        "data": {"manifest": str(folder / "m.csv"), "root": str(faces_dir), "scarcity": None},
        "backbone": {"name": f"local-dir:{pretrained_dir}", "pretrained": True, "frozen": True, "args": {}},
    }  # fmt: skip
    (folder / "species.yaml").write_text(yaml.safe_dump(given, sort_keys=False))
    flags = ["--data.image_size", "32", "--data.workers", "0"]
    configs = ["--config", str(CONFIG), "--config", str(folder / "species.yaml")]
    assert main(["train", *configs, *flags, "--out", str(folder / "run")]) == 0
    return folder / "run"


def pictures(faces_dir):
    return sorted((faces_dir / "test").glob("*.png"))[::3]


def test_attributes_set_by_hand_move_it(run, faces_dir):
    predictor = Predictor.load(run)
    plain = predictor(pictures(faces_dir)).probabilities["species"]
    tern = predictor(pictures(faces_dir), given={"hair": "long", "gender": "male"})
    gull = predictor(pictures(faces_dir), given={"hair": "short"})
    assert (tern.probabilities["species"].argmax(1) == 1).all()
    assert tern.names("species") == ["tern"] * len(plain)
    assert (gull.probabilities["species"][:, 1] < plain[:, 1] + 1e-6).all()
    set_itself = predictor(pictures(faces_dir), given={"species": "tern"}).probabilities
    assert (set_itself["species"][:, 1] == 1).all()


def test_an_export_concludes_the_same(run, faces_dir, tmp_path):
    assert main(["export", str(run), "--no-onnx", "--out", str(tmp_path / "export")]) == 0
    one = Predictor.load(run)(pictures(faces_dir)).probabilities
    other = Predictor.load(tmp_path / "export")(pictures(faces_dir)).probabilities
    for name in one:
        np.testing.assert_allclose(one[name], other[name], atol=1e-6)


def test_a_composite_to_come_leaves_it(run, faces_dir, tmp_path):
    more = {"schema": {"composites": {"hair_gender": {"attributes": ["hair", "gender"]}}}}
    (tmp_path / "more.yaml").write_text(yaml.safe_dump(more))
    flags = ["--config", str(tmp_path / "more.yaml"), "--out", str(tmp_path / "more")]
    assert main(["extend", str(run), *flags]) == 0
    probabilities = Predictor.load(tmp_path / "more")(pictures(faces_dir)).probabilities
    assert set(probabilities) == {"species", "hair", "gender", "hair_gender"}
    assert (probabilities["species"].std(0) > 0).all()

"""Joint classes: as many as they say, equally common, the same net; what is saved; the whole part at its smallest."""

import itertools

import pandas as pd
import pytest
import torch

from modular_cls.lecture.data import joint
from modular_cls.lecture.data.pictures import Added
from modular_cls.lecture.kit import claim
from modular_cls.lecture.kit.claim import measure_claim
from modular_cls.lecture.kit.nets import parameters


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(joint, "_DRAWN", 6)
    monkeypatch.setattr(joint, "_HELD", {"validation": 24, "test": 48})
    joint.faces.cache_clear()
    yield
    joint.faces.cache_clear()


@pytest.mark.parametrize("classes", joint.CLASSES)
def test_schemas_and_nets(classes):
    schema = joint.joint_schema(classes)
    assert schema.composites[0].size == classes
    found = [parameters(joint.joint_net(net, classes, 0)) for net in joint.NETS]
    assert all(abs(n - joint.PARAMETERS) <= 0.02 * joint.PARAMETERS for n in found)
    for net in joint.NETS:
        assert joint.joint_net(net, classes, 0)(torch.zeros(2, 1, 32, 32)).shape == (2, classes)


def test_joint_scores_are_sums_of_any_number_of_attributes():
    scores = torch.randn(3, 9, generator=torch.Generator().manual_seed(0))
    found = Added([3, 2, 2, 2])(scores)
    cells = itertools.product(range(3), range(3, 5), range(5, 7), range(7, 9))
    for z, cell in enumerate(cells):
        assert torch.allclose(found[:, z], scores[:, list(cell)].sum(1))


def test_joint_classes_are_equally_common_and_hats_are_seen(few):
    found = joint.some_faces(24, 3, 0)
    assert found.labels["train"]["class"].bincount().tolist() == [3] * 24
    assert found.labels["test"]["class"].bincount().tolist() == [2] * 24
    more = joint.some_faces(24, 5, 0)
    pictures = {tuple(x.flatten().tolist()) for x in more.images["train"]}
    assert all(tuple(x.flatten().tolist()) in pictures for x in found.images["train"])
    assert not torch.equal(joint.some_faces(24, 3, 1).images["train"], found.images["train"])
    # A hat hides what is there without one; the two faces are otherwise drawn from other numbers.
    top = joint.faces(24).images["train"][:, :, :6].flatten(1)
    hat = joint.faces(24).labels["train"]["class"] % 2 == 1
    assert (top[hat].mean(0) - top[~hat].mean(0)).abs().max() > 0.03


def test_what_is_saved():
    errors = {"flat": {5: 0.5, 20: 0.3, 80: 0.1}, "modular": {5: 0.3, 20: 0.1, 80: 0.05}}
    rows = [
        {"classes": z, "seed": 0, "net": net, "pictures": n, "test error": e}
        for z, shift in ((4, 0.0), (12, 0.02))
        for net, found in errors.items()
        for n, e in {k: v + shift * (net == "flat") for k, v in found.items()}.items()
    ]
    found = joint.saved(pd.DataFrame(rows)).set_index("classes")
    assert found.loc[4].tolist() == [0, pytest.approx(4), 1]
    assert found.loc[12].tolist() == [0, 8, 0]  # not even with 80: at least twice that is counted


def test_the_part(few, tmp_path, monkeypatch):
    monkeypatch.setattr(joint, "_SIZES", {"quick": joint._Size(joint.CLASSES, 3, 1)})
    monkeypatch.setattr(joint, "PICTURES", (2, 3, 6))
    monkeypatch.setattr(joint, "AT", 3)
    monkeypatch.setattr(
        joint, "STATEMENTS", tuple(s for s in joint.STATEMENTS if s.table == "saved")
    )
    monkeypatch.setattr(claim, "_RESOLUTION", 40)
    out = tmp_path / "out"
    page = measure_claim("data", "quick", out, data=tmp_path, only=["joint"])
    assert page.count("one seed, no verdict |") == len(joint.STATEMENTS) == 2
    assert len(pd.read_csv(out / "joint.csv")) == 3 * (3 * 2 + 1)
    assert (out / "joint.svg").stat().st_size > 5000

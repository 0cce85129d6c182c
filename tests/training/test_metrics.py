"""Metrics against a slow reference."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.schema import Attribute, Composite, Schema
from modular_cls.training.metrics import OutputMetrics, build_metrics, summarise

OUTPUT = Composite(
    "both", (Attribute("hair", ("short", "long")), Attribute("gender", ("female", "male")))
)
PAIRS = st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 3)), max_size=40)


def slow_f1(pairs):
    """Of each class that has images."""
    for z in {t for t, _ in pairs}:
        hits = sum(t == p == z for t, p in pairs)
        precision = hits / max(1, sum(p == z for _, p in pairs))
        recall = hits / sum(t == z for t, _ in pairs)
        yield 2 * precision * recall / (precision + recall) if hits else 0.0


@given(PAIRS)
def test_against_a_slow_reference(pairs):
    meter = OutputMetrics(OUTPUT, [3])
    for start in range(0, len(pairs), 7):  # in batches
        batch = pairs[start : start + 7]
        probabilities = torch.nn.functional.one_hot(torch.tensor([p for _, p in batch]), 4).float()
        meter.update(probabilities.clamp(1e-6).log(), torch.tensor([t for t, _ in batch]))
    found = meter.compute()
    known = [(t, p) for t, p in pairs if t >= 0]
    recalls = {}
    for z, name in enumerate(OUTPUT.class_names):
        mine = [p == z for t, p in known if t == z]
        recalls[name] = sum(mine) / len(mine) if mine else None
        assert found["support"][name] == len(mine)
    assert found["recall"] == recalls
    present = [r for r in recalls.values() if r is not None]
    expected = {
        "balanced_accuracy": sum(present) / len(present) if present else None,
        "worst_class_recall": min(present, default=None),
        "rare_class_recall": recalls["long_male"],
        "accuracy": sum(t == p for t, p in known) / len(known) if known else None,
        "macro_f1": sum(slow_f1(known)) / len(present) if present else None,
    }
    for name, value in expected.items():
        assert (found[name] is None) if value is None else abs(found[name] - value) < 1e-9


def test_undefined_stays_undefined():
    found = summarise(torch.zeros(4, 4, dtype=torch.long), OUTPUT, [3])
    assert (
        found["balanced_accuracy"]
        is found["rare_class_recall"]
        is found["macro_f1"]
        is found["ece"]
        is None
    )
    assert found["rare_support"] == 0
    assert "rare_class_recall" not in summarise(torch.eye(4, dtype=torch.long), OUTPUT)


@given(st.lists(st.tuples(st.integers(0, 14), st.booleans()), min_size=1, max_size=40))
def test_calibration_is_looked_at_apart_for_every_confidence(answers):
    """Too sure where sure and too shy where shy does not cancel: each fifteenth has an error of its own.

    What is not known says nothing.
    """
    meter = OutputMetrics(Composite("one", (Attribute("hair", ("short", "long")),)), None)
    sure = torch.tensor([0.5 + (bin + 0.5) / 30 for bin, _ in answers])
    right = torch.tensor([float(hit) for _, hit in answers])
    guesses, target = torch.stack([sure, 1 - sure], 1).log(), 1 - right.long()
    meter.update(torch.cat([guesses, guesses]), torch.cat([target, -torch.ones_like(target)]))
    slow = 0.0
    for low in range(15):
        mine = (sure > low / 15) & (sure <= (low + 1) / 15)
        slow += abs(float((sure - right)[mine].sum())) / len(answers)
    assert abs(meter.compute()["ece"] - slow) < 1e-5


def test_scarce_classes_are_those_with_all_values_and_their_recall_is_averaged():
    schema = Schema((OUTPUT.attributes), (OUTPUT,))
    meters = build_metrics(schema, [{"hair": "long"}])
    assert {name: meter.rare for name, meter in meters.items()} == {"hair": None, "gender": None, "both": [2, 3]}  # fmt: skip
    confusion = torch.tensor([[5, 0, 0, 0], [0, 0, 5, 0], [0, 0, 1, 1], [0, 0, 0, 4]])
    found = summarise(confusion, OUTPUT, [2, 3])
    assert (found["rare_class_recall"], found["rare_support"]) == (0.75, 6)
    assert found["confusion"] == confusion.tolist()

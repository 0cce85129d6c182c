"""Metrics against a slow reference."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.schema import Attribute, Composite
from modular_cls.training.metrics import OutputMetrics, summarise

OUTPUT = Composite(
    "both", (Attribute("hair", ("short", "long")), Attribute("gender", ("female", "male")))
)
PAIRS = st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 3)), max_size=40)


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

"""Trainings under test share a machine: one that is slow is not ended in the middle of the tests."""

import pytest

from modular_cls.jobs import signals


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    monkeypatch.setattr(signals, "_PATIENCE", 300.0)

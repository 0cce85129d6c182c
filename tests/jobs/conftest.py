"""Trainings that are stopped here are as patient as those of tests/training."""

from tests.training.conftest import patient  # noqa: F401 (a fixture)

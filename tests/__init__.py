"""Tests import what they share from here: `from tests.training.small_trainings import ...`."""

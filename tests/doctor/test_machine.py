"""What the machine has, in words."""

from modular_cls.doctor.machine import gib


def test_sizes_are_told_in_words():
    assert [gib(2**20), gib(2**30 * 1.5)] == ["1.0 MiB", "1.5 GiB"]

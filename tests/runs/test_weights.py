"""Weights of a run: any byte counts."""

import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modular_cls import Run
from modular_cls.errors import ConfigError
from modular_cls.runs.folder import WEIGHTS


@settings(max_examples=60)
@given(st.data())
def test_any_byte_of_the_weights_counts(finished, tmp_path_factory, data):
    folder = shutil.copytree(finished / "flat", tmp_path_factory.mktemp("byte") / "run")
    content = bytearray((folder / WEIGHTS).read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    (folder / WEIGHTS).write_bytes(content)
    with pytest.raises(ConfigError, match="last.safetensors"):
        Run.load(folder)

"""Recordings of invented voices."""

import pytest

from tests.lecture.voices import write_voices


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("voices")
    write_voices(folder)
    return folder

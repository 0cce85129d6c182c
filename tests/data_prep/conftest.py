"""What tests of the converter of tables share."""

import pytest

from tests.data_prep.trees import write_pictures


@pytest.fixture
def folder(tmp_path):
    """Twelve pictures, of which each combination of hair and gender has three."""
    (tmp_path / "a").mkdir()
    write_pictures(tmp_path / "a", [f"{i}.png" for i in range(12)])
    return tmp_path

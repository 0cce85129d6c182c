"""A budget that makes every cell take seconds."""

import pytest

from tests.study.small_methods import write


@pytest.fixture(scope="session")
def tiny(faces_dir, tmp_path_factory):
    """A configuration of three updates on a few small faces."""
    data = {"manifest": str(faces_dir / "manifest.csv"), "image_size": 32, "workers": 0}
    training = {"updates": 3, "threads": 1, "validate_every": 0}
    content = {"data": data | {"batch_size": 8}, "training": training}
    return write(tmp_path_factory.mktemp("config") / "tiny.yaml", content)

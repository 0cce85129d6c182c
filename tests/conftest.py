import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import pytest
from hypothesis import settings

settings.register_profile("steady", deadline=None, max_examples=50, derandomize=True, database=None)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def faces_dir(tmp_path_factory):
    from modular_cls.data.faces import write_faces

    folder = tmp_path_factory.mktemp("faces") / "faces"
    write_faces(folder, per_class=24, seed=0, processes=1)
    return folder

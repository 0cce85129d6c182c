"""Small tables of text, read as manifests."""

import pytest

from modular_cls.data.manifest import Manifest
from modular_cls.errors import ManifestError
from modular_cls.schema import Schema

PLAIN = Schema.from_dict(
    {
        "attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
        "composites": {"hair_gender": {"attributes": ["hair", "gender"]}},
    }
)
HEADER = "path,split,hair,gender\n"


def write(folder, text):
    path = folder / "m.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(folder, text, **arguments):
    return Manifest.read(write(folder, text), PLAIN, **arguments)


def refusal(folder, text, **arguments):
    with pytest.raises(ManifestError) as caught:
        read(folder, text, **arguments)
    assert str(folder / "m.csv") in str(caught.value)
    return str(caught.value)

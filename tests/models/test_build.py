"""Models are built by name."""

import pytest

from modular_cls.config import Backbone
from modular_cls.errors import ConfigError
from modular_cls.models import ModularClassifier
from modular_cls.schema import Schema

BACKBONE = Backbone("test_resnet", args={"stem_width": 8})
THREE = Schema.from_dict(
    {
        "attributes": {
            "hair": ["short", "medium", "long"],
            "gender": ["female", "male"],
            "glasses": ["no", "yes"],
        },
        "composites": {
            "glasses_hair": {"attributes": ["glasses", "hair"]},
            "everything": {"attributes": ["hair", "gender", "glasses"]},
        },
    }
)


@pytest.mark.parametrize(
    ("backbone", "composite", "message"),
    [
        (Backbone("test_resnt"), "Additive", "did you mean 'test_resnet"),
        (Backbone("test_resnet", args={"stem_wdth": 8}), "Additive", "stem_wdth"),
        (BACKBONE, "Aditive", "did you mean 'Additive'"),
        (BACKBONE, {"name": "MLP", "hiden": 4}, "did you mean 'hidden'"),
        (BACKBONE, "os.system", "unknown name"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(backbone, composite, message):
    with pytest.raises(ConfigError, match=message):
        ModularClassifier(THREE, backbone, composite=composite)

"""What a study may be asked for."""

from pathlib import Path

import pytest

from modular_cls.errors import ConfigError
from modular_cls.study.grid import Study, Tune
from modular_cls.study.study import run_study

OTHER = {"hair": "short", "gender": "female"}


def test_tune_is_for_one_number_kept_and_not_with_tuned():
    with pytest.raises(ConfigError, match="one number of images"):
        Study(["flat"], [0, 5], [0], tune=Tune(OTHER))
    with pytest.raises(ConfigError, match="not both"):
        Study(["flat"], [5], [0], tune=Tune(OTHER), tuned="tuned.yaml")
    with pytest.raises(ConfigError, match="above 0"):
        Tune(OTHER, [0.0, 0.1])
    with pytest.raises(ConfigError, match="seeds holds 4294967296; each must be below"):
        Study(["flat"], [5], [2**32])
    with pytest.raises(ConfigError, match="tune.scarce.hair is True; it must be one value"):
        Tune({"hair": True})


ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"methods": ["modullar"]}, "did you mean 'modular'"),
        ({"methods": []}, "methods is empty"),
        ({"keep": []}, "keep is empty"),
        ({"keep": [0, -1]}, "keep holds -1"),
        ({"keep": [5, 5]}, "5 twice"),
        ({"keep": [0, 25]}, "24 training images of long_haired_man"),
        ({"seeds": []}, "seeds is empty"),
        ({"seeds": [-2]}, "seeds holds -2"),
        ({"processes": 0}, "processes holds 0"),
        ({"empty": "each"}, "which keep must hold"),
        ({"empty": "all", "keep": [0]}, "accepted: each"),
        (
            {"empty": "each", "keep": [0], "also": ["configs/data/faces_three.yaml"]},
            "one rare class only",
        ),
        ({"tuned": str(ROOT / "configs/flat.yaml")}, "no methods, budget"),
        (
            {"methods": ["flat", str(ROOT / "configs/flat.yaml")]},
            "two configurations say method: flat",
        ),
    ],
)
def test_wrong_grids_are_refused_before_anything_runs(wrong, message, tiny, tmp_path):
    given = {"methods": ["flat"], "keep": [5], "seeds": [0], "also": [tiny], **wrong}
    with pytest.raises(ConfigError, match=message):
        run_study(Study(**given), tmp_path / "study")
    assert not (tmp_path / "study").exists()

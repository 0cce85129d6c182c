"""What a configuration may say of backbone and heads."""

import re

import pytest

from modular_cls import load_config
from modular_cls.config import expand
from modular_cls.errors import ConfigError
from tests.training.small_trainings import train_on


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--backbone.pretrained", "false"], "backbone.frozen needs backbone.pretrained"),
        (["--heads.ridges", "[]"], "heads.ridges is empty"),
        (["--heads.ridges", "[0.1, -1]"], "heads.ridges holds -1"),
        (["--heads.ridges", "[.nan]"], "heads.ridges holds nan"),
        (["--heads.ridges", "[.inf]"], "heads.ridges holds inf"),
        (["--heads.folds", "1"], "heads.folds is 1"),
    ],
)
def test_what_makes_no_sense_is_refused(flags, said, faces_dir, tmp_path, capsys):
    assert train_on(faces_dir, tmp_path / "run", "local-dir:nowhere", *flags) == 1
    assert said in capsys.readouterr().err


RARE = {"joint_class": {"hair": "long"}, "keep": 2}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seed": 2**32}, "seed is 4294967296; it must be below 4,294,967,296"),
        ({"method": ".."}, "nor a dot in front"),
        ({"method": ".hidden"}, "nor a dot in front"),
        ({"data": {"scarcity": [RARE, RARE | {"keep": 0}]}}, "twice; one entry makes it scarce"),
    ],
)
def test_what_no_run_could_take_is_refused(changes, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        load_config("flat.yaml", changes)


def test_the_home_of_nobody_is_told():
    with pytest.raises(ConfigError, match="~nobody-has-this-name/x.csv: "):
        expand("~nobody-has-this-name/x.csv")

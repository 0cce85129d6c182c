"""What a configuration may say of backbone and heads."""

import pytest

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

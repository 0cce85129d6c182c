"""What is said before a training."""

import pytest
import yaml

from modular_cls.cli import main
from tests.models.weights_folder import IMAGENET, write_weights
from tests.training.small_commands import command, read
from tests.training.small_trainings import train_on


def test_says_what_can_be_reached(faces_dir, tmp_path, capsys):
    main(command(faces_dir, tmp_path / "a", "--data.scarcity.keep", "0"))
    assert "reachable by composition: long_haired_man" in capsys.readouterr().out
    main(
        command(
            faces_dir,
            tmp_path / "b",
            "--data.scarcity.keep",
            "0",
            config="flat_logit_adjusted.yaml",
        )
    )
    assert "out of this method's reach, never predicted: long_haired_man" in capsys.readouterr().out
    assert read(tmp_path / "b")["test"]["hair_gender"]["rare_class_recall"] == 0


def test_balanced_sampling_never_draws_what_lacks_a_label_and_says_so(faces_dir, tmp_path, capsys):
    header, *rows = [
        line.split(",") for line in (faces_dir / "manifest.csv").read_text().splitlines()
    ]
    for row in [r for r in rows if r[1] == "train"][::2]:
        row[2] = ""
    (tmp_path / "m.csv").write_text("\n".join(map(",".join, [header, *rows])))
    for method, told in (
        ("flat_balanced_sampling", "never drawn by data.sampling: balanced"),
        ("flat", "marginal"),
    ):
        flags = ["--data.manifest", str(tmp_path / "m.csv"), "--data.root", str(faces_dir), "--data.workers", "0",
                 "--data.scarcity", "null", "--training.updates", "2", "--out", str(tmp_path / method)]  # fmt: skip
        assert main(["train", "--config", f"configs/{method}.yaml", *flags]) == 0
        assert told in next(
            line for line in capsys.readouterr().out.splitlines() if "lack some label" in line
        )


def data_of(run):
    return yaml.safe_load((run / "config.yaml").read_text())["data"]


@pytest.mark.parametrize("frozen", [True, False])
def test_pictures_are_scaled_as_the_weights_say(frozen, faces_dir, tmp_path, capsys):
    name = write_weights(tmp_path / "weights")
    assert train_on(faces_dir, tmp_path / "own", name, frozen=frozen) == 0
    data = data_of(tmp_path / "own")
    assert {key: data[key] for key in ("mean", "std")} == IMAGENET
    assert "the weights were learned with" not in capsys.readouterr().out
    told = ["--data.mean", "[0.5, 0.5, 0.5]"]
    assert train_on(faces_dir, tmp_path / "told", name, *told, frozen=frozen) == 0
    data = data_of(tmp_path / "told")
    assert (data["mean"], data["std"]) == ([0.5] * 3, IMAGENET["std"])
    said = capsys.readouterr().out
    assert f"data.mean is [0.5, 0.5, 0.5]; the weights were learned with {IMAGENET['mean']}" in said

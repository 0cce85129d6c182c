"""Command line and files: what is refused, and how it is told."""

import pytest

from modular_cls import load_config
from modular_cls.cli import main
from tests.training.small_commands import command

SCHEMA = "{attributes: {hair: [short, long], gender: [female, male]}, composites: {c: {attributes: [hair, gender]}}}"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--data.imge_size", "64"], "did you mean '--data.image_size'"),
        (["--sed", "1"], "did you mean '--seed'"),
        (["--training.schedule", "onecycle"], "did you mean 'one_cycle'"),
        (["--config", "flta"], "did you mean 'configs/flat.yaml'"),
        (["--training.updates", "0"], "training.updates is 0"),
        (["--training.accelerator", "abacus"], "abacus"),
        (["--training.devices", "3"], "multiple of the 3 devices"),
        (["--backbone.name", "test_resnt"], "did you mean 'test_resnet"),
        (
            ["--backbone.args", "{checkpoint_path: x.pth}"],
            "backbone.args may not hold checkpoint_path",
        ),
        (["--data.scarcity.keep", "25"], "24 training images of long_haired_man"),
        (["--data.scarcity.keep", "-1"], "from 0 to 24"),
        (["--data.scarcity.joint_class", "{hair: lnog}"], "did you mean 'long'"),
        (["--data.scarcity.joint_class", "{hiar: long}"], "did you mean 'hair'"),
        (["--data.manifest", "nowhere.csv"], "nowhere.csv"),
        (["--data.manifest", "${MODULAR_CLS_DATA_X}/a.csv"], "MODULAR_CLS_DATA"),
        (["--model", "{name: ModularClasifier}"], "did you mean 'ModularClassifier'"),
        (["--model", "{name: os.system, command: ls}"], "unknown name 'os.system'"),
        (["--criterion", "{name: JointLikelihood, tua: 1}"], "did you mean 'tau'"),
        (["--finish", "[{name: FitBais}]"], "did you mean 'FitBias'"),
        (["--prediction.prior", "{long_haired_mann: 0.5}"], "did you mean 'long_haired_man'"),
        (["--prediction.prior", "{long_haired_man: 1.5}"], "from 0 to 1"),
        (["--schema", SCHEMA.replace("male]", "man]")], "'male' is not one of"),
        (["--schema", SCHEMA.replace("gender", "sex")], "no column 'sex'"),
        (
            ["--schema", SCHEMA.replace("attributes: [hair, gender]", "attributes: [hair, gendr]")],
            "mean 'gender'",
        ),
    ],
)
def test_wrong_input_is_refused_before_anything_slow(flags, message, faces_dir, tmp_path, capsys):
    try:
        status = main(command(faces_dir, tmp_path / "run", *flags))
    except SystemExit as stopped:
        status = stopped.code
    told = capsys.readouterr()
    assert status != 0
    assert message in told.err
    assert "Decoding" not in told.out
    assert list(tmp_path.iterdir()) == []


def test_misspelt_key_in_a_file(faces_dir, tmp_path, capsys):
    (tmp_path / "a.yaml").write_text("data: {manifets: x.csv}")
    with pytest.raises(SystemExit):
        main(command(faces_dir, tmp_path / "run", "--config", str(tmp_path / "a.yaml")))
    assert "did you mean 'manifest'" in capsys.readouterr().err


def test_help_of_train_ends_with_a_whole_configuration(tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["train", "--help"])
    assert left.value.code == 0
    printed = capsys.readouterr().out
    (tmp_path / "whole.yaml").write_text("schema:" + printed.partition("\nschema:")[2])
    assert load_config(tmp_path / "whole.yaml") == load_config("modular.yaml")

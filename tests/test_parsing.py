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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("data:\n- manifest: x.csv\n", "data is [{'manifest': 'x.csv'}]; it must be a mapping with"),
        ("data:\n", "data is null; it must be a mapping"),
        ("data: {augment: 0}", "data.augment is 0; it must be a mapping"),
        ("training: 5", "training is 5; it must be a mapping"),
        ("prediction: []", "prediction is []; it must be a mapping"),
        ("seed: 1\nseed: 2\n", "line 2: 'seed' stands here and in line 1"),
        ("data: {scarcity: {joint_class: {hair: long}, kep: 5}}", "did you mean 'keep'"),
        ("data: {scarcity: {joint_class: {hair: long}, keep: x}}", "keep is 'x'; it must be a whole number or null"),
        ("data: {scarcity: [{joint_class: {hair: long}, keep: 5}, 7]}", "data.scarcity holds 7"),
        ("data: {scarcity: {}}", "data.scarcity holds {}; it must be a mapping with joint_class"),
        ("data: {scarcity: {joint_class: {hair: yes}, keep: 5}}", "hair is True; it must be one value; in quotes"),
        ("knob: 5", "knob holds 5; it must be a mapping with key"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("inline", [False, True])
def test_a_block_of_another_kind_is_no_block(content, message, inline, faces_dir, tmp_path, capsys):
    (tmp_path / "a.yaml").write_text(content)
    given = content if inline else str(tmp_path / "a.yaml")
    try:
        status = main(command(faces_dir, tmp_path / "run", "--config", given))
    except SystemExit as stopped:
        status = stopped.code
    assert status != 0
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_mapping_keeps_its_order_and_may_be_long(tmp_path):
    attributes = {"zebra": ["no", "yes"], "ant": ["no", "yes"]}
    changes = {"schema": {"attributes": attributes}, "data": {"root": tmp_path / ("long" * 40)}}
    config = load_config("flat.yaml", changes | {"training": {"updates": 7}})
    assert list(config.schema["attributes"]) == ["zebra", "ant"]
    assert (config.data.root, config.training.updates) == (str(tmp_path / ("long" * 40)), 7)


def test_numbers_may_be_values_of_a_rare_class():
    schema = {"attributes": {"long": [0, 1], "male": [0, 1]},
              "composites": {"c": {"attributes": ["long", "male"]}}}  # fmt: skip
    scarcity = {"joint_class": {"long": 1, "male": 1}, "keep": 5}
    config = load_config("flat.yaml", {"schema": schema, "data": {"scarcity": scarcity}})
    assert config.data.scarcities[0].joint_class == {"long": "1", "male": "1"}

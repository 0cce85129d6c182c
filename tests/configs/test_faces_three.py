"""More than two attributes and more than two values, several joint classes scarce at once: small real runs."""

import json
from pathlib import Path

import pytest

from modular_cls import load_config
from modular_cls.cli import main
from modular_cls.training.fit import Fit

CONFIGS = Path(__file__).parents[2] / "configs"
DATA = CONFIGS / "data" / "faces_three.yaml"
RARE = ["medium_haired_man_without_glasses", "long_haired_man_with_glasses"]
TINY = ["--training.updates", "3", "--data.batch_size", "12", "--data.image_size", "32", "--data.workers", "0",
        "--training.validate_every", "0"]  # fmt: skip


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    out = tmp_path_factory.mktemp("three") / "faces"
    flags = ["--per-class", "8", "--size", "32", "--medium", "--glasses"]
    assert main(["faces", "--out", str(out), *flags]) == 0
    return str(out / "manifest.csv")


@pytest.fixture(scope="module")
def runs(manifest, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    for method in ("modular", "flat"):
        configs = ["--config", str(CONFIGS / f"{method}.yaml"), "--config", str(DATA)]
        assert (
            main(
                ["train", *configs, "--data.manifest", manifest, *TINY, "--out", str(out / method)]
            )
            == 0
        )
    return out


@pytest.mark.parametrize("method", ["modular", "flat"])
def test_several_scarce_classes_keep_the_contract(runs, method):
    metrics = json.loads((runs / method / "metrics.json").read_text())
    assert metrics["keep"] == [0, 0]
    assert metrics["train_images"] == 10 * 8
    assert set(metrics["test"]) == {
        "hair",
        "gender",
        "glasses",
        "hair_gender",
        "hair_gender_glasses",
    }
    whole, part = metrics["test"]["hair_gender_glasses"], metrics["test"]["hair_gender"]
    assert len(whole["recall"]) == 12
    assert [whole["support"][name] for name in RARE] == [2, 2]
    assert whole["rare_class_recall"] == sum(whole["recall"][name] for name in RARE) / 2
    assert whole["rare_support"] == 4
    assert (len(part["recall"]), part["rare_class_recall"], part["rare_support"]) == (6, None, 0)


def test_rare_class_recall_is_the_mean_over_the_scarce_classes(runs, tmp_path):
    """Which classes are rare is the manifest's reader's to say: here all with one value of hair."""
    for hair in ("short", "medium", "long"):
        out = tmp_path / f"{hair}.json"
        scarcity = ["--data.scarcity", f"[{{joint_class: {{hair: {hair}}}, keep: 0}}]"]
        assert main(["evaluate", str(runs / "modular"), *scarcity, "--out", str(out)]) == 0
        for composite, size in (("hair_gender", 2), ("hair_gender_glasses", 4)):
            found = json.loads(out.read_text())[composite]
            rare = [r for name, r in found["recall"].items() if hair in name]
            assert len(rare) == size
            assert found["rare_class_recall"] == pytest.approx(sum(rare) / size)


def test_report_shows_the_composite_that_has_scarce_classes(runs, tmp_path):
    assert main(["report", str(runs), "--out", str(tmp_path)]) == 0
    page = (tmp_path / "report.md").read_text()
    assert "## hair_gender_glasses" in page
    assert "| 0 | modular | 1 |" in page
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")


ALL_LONG = ["long_female_no", "long_female_yes", "long_male_no", "long_haired_man_with_glasses"]
CONFOUNDED = [
    f"{hair}_{rest}" for hair in ("short", "medium", "long") for rest in ("female_yes", "male_no")
]
CONFOUNDED[3] = "medium_haired_man_without_glasses"


@pytest.mark.parametrize(
    ("method", "empty", "composed", "lost"),
    [
        ("modular", None, RARE, []),
        ("flat", None, [], RARE),
        (
            "modular",
            ["hair: long", "hair: medium, gender: male, glasses: 'no'"],
            RARE[:1],
            ALL_LONG,
        ),
        (
            "modular",
            ["gender: female, glasses: 'yes'", "gender: male, glasses: 'no'"],
            [],
            CONFOUNDED,
        ),
        (
            "product",
            ["gender: female, glasses: 'yes'", "gender: male, glasses: 'no'"],
            CONFOUNDED,
            [],
        ),
    ],
)
def test_before_training_it_names_what_is_reached_and_what_is_not(
    method, empty, composed, lost, manifest, capsys
):
    """Long hair never seen is nobody's to find; gender and glasses that go together only a product takes apart."""
    config = load_config(CONFIGS / f"{method}.yaml", DATA, data__manifest=manifest, data__workers=0)
    if empty:
        entries = ", ".join(f"{{joint_class: {{{values}}}, keep: 0}}" for values in empty)
        config = load_config(
            CONFIGS / f"{method}.yaml", DATA, data__manifest=manifest, data__scarcity=f"[{entries}]"
        )
    Fit(config).announce()
    told = capsys.readouterr().out.splitlines()
    for classes, words in ((composed, "reachable by composition: "), (lost, "never predicted: ")):
        named = [line.split(words)[1].split(", ") for line in told if words in line]
        assert named == ([classes] if classes else [])


def test_a_study_makes_every_scarce_class_scarce(manifest, tmp_path):
    also = tmp_path / "also.yaml"
    training = "training: {updates: 3, validate_every: 0}"
    also.write_text(
        f"data: {{manifest: {manifest}, image_size: 32, workers: 0, batch_size: 12}}\n{training}\n"
    )
    out = tmp_path / "study"
    flags = ["--keep", "[0, 2]", "--seeds", "[0]", "--also", f"[{DATA}, {also}]", "--out", str(out)]
    assert main(["study", "--methods", "[modular, flat]", *flags]) == 0
    kept = {f.parent.name: json.loads(f.read_text())["keep"] for f in out.glob("*/metrics.json")}
    assert kept == {f"{m}_k{k}_seed0": [k, k] for m in ("modular", "flat") for k in (0, 2)}
    page = (out / "report.md").read_text()
    assert "| 0 | modular | 1 |" in page
    assert "| 2 | flat | 1 |" in page

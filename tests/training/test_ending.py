"""Direct heads end a training where their criterion teaches them."""

import json
from pathlib import Path

import pytest
import torch

from modular_cls import Run
from modular_cls.cli import main
from tests.models.weights_folder import write_weights
from tests.training.small_trainings import train_on

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("flag", ["JointLikelihood", "AttributeLikelihood"])
def test_direct_heads_are_trained_too_where_their_criterion_teaches_them(
    flag, faces_dir, tmp_path, capsys
):
    name, out = write_weights(tmp_path / "weights"), tmp_path / "run"
    more = ["--criterion", f"{{name: {flag}}}", "--training.updates", "3"]
    done = train_on(faces_dir, out, name, *more, frozen=False)
    if flag == "AttributeLikelihood":
        assert done == 1
        assert "direct heads are learned by criterion" in capsys.readouterr().err
        return
    assert done == 0
    (head,) = Run.load(out).model.direct_heads
    counts = torch.tensor(
        next(iter(json.loads((out / "metrics.json").read_text())["train_counts"].values()))
    )
    torch.testing.assert_close(head.trust, counts / (counts + 5.0))
    before = Run.load(out).model.direct_heads[0].weight
    assert train_on(faces_dir, tmp_path / "less", name, *more[:2], frozen=False) == 0
    assert not torch.equal(before, Run.load(tmp_path / "less").model.direct_heads[0].weight)


def test_a_network_from_scratch_has_no_direct_heads(faces_dir, tmp_path):
    quick = [
        "--training.updates",
        "2",
        "--training.validate_every",
        "0",
        "--data.workers",
        "0",
        "--data.image_size",
        "32",
    ]
    config = [
        "--config",
        str(ROOT / "configs/modular.yaml"),
        "--data.manifest",
        str(faces_dir / "manifest.csv"),
    ]
    assert (
        main(["train", *config, *quick, "--data.batch_size", "8", "--out", str(tmp_path / "run")])
        == 0
    )
    assert not len(Run.load(tmp_path / "run").model.direct_heads)

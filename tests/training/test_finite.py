"""A training that leaves the numbers ends as an error, and nothing of it passes for a run."""

import re
from dataclasses import replace

import pytest
import torch

from modular_cls import load_config
from modular_cls.cli import main
from modular_cls.errors import ConfigError, DivergedError
from modular_cls.training.task import AttributeTask
from modular_cls.training.train import train
from tests.training.small_trainings import small, updates


def steps_with(change, monkeypatch):
    """Training steps whose task or loss is changed at the third."""
    original, calls = AttributeTask.training_step, []

    def step(self, batch, batch_idx):
        calls.append(batch["row"].tolist())
        if len(calls) != 3:
            return original(self, batch, batch_idx)
        return change(self, original(self, batch, batch_idx))

    monkeypatch.setattr(AttributeTask, "training_step", step)
    return calls


def of_gradient(task, loss):
    loss.register_hook(lambda gradient: gradient * torch.nan)
    return loss


def of_weight(task, loss):
    task.model.backbone.bn1.weight.register_hook(lambda gradient: gradient * torch.inf)
    return loss


CHANGES = {
    "loss is nan": lambda task, loss: loss * torch.nan,
    "loss is inf": lambda task, loss: loss + torch.inf,
    "largest gradient is nan": of_gradient,
    "largest gradient is inf": of_weight,
}


@pytest.mark.parametrize("told", CHANGES)
def test_where_it_left_the_numbers_is_told(told, faces_dir, tmp_path, monkeypatch):
    calls = steps_with(CHANGES[told], monkeypatch)
    config = small(faces_dir, training__save_every=2)
    with pytest.raises(DivergedError) as stopped:
        train(config, tmp_path / "run", progress=False)
    rows = ", ".join(map(str, calls[2]))
    pattern = (
        rf"stopped at update 3: its {told}, at learning rate [\d.]+, on rows {rows} of .*"
        r"smaller training.learning_rate.*update 2 is saved in .*update_2.ckpt"
    )
    assert re.search(pattern, str(stopped.value))
    assert len(calls) == 3
    assert updates(tmp_path / "run") == [2]
    assert not (tmp_path / "run" / "metrics.json").exists()


def test_weights_that_nothing_else_shows(faces_dir, tmp_path, monkeypatch):
    """Statistics of a batch norm do not reach the loss in training: they are looked at before they are saved."""
    original = AttributeTask.training_step

    def step(self, batch, batch_idx):
        with torch.no_grad():
            self.model.backbone.bn1.running_var.fill_(torch.nan)
        return original(self, batch, batch_idx)

    monkeypatch.setattr(AttributeTask, "training_step", step)
    with pytest.raises(DivergedError, match=r"not finite after update 4: (model.)?backbone.bn1.running_var: \d+ of \d+ values"):  # fmt: skip
        train(small(faces_dir), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
    with pytest.raises(DivergedError, match="after update 12"):
        train(small(faces_dir, training__save_every=100), tmp_path / "run", progress=False)


@pytest.mark.parametrize("rate", ["1e4", "1e30"])
def test_a_rate_that_is_too_high_is_an_error(rate, faces_dir, tmp_path, capsys):
    flags = {
        "data.manifest": faces_dir / "manifest.csv",
        "data.scarcity": "null",
        "data.image_size": 32,
        "data.batch_size": 16,
        "data.workers": 0,
        "training.updates": 20,
        "training.learning_rate": rate,
    }
    given = [f"--{name}={value}" for name, value in flags.items()]
    assert (
        main(["train", "--config", "configs/modular.yaml", *given, "--out", str(tmp_path / "r")])
        == 1
    )
    told = capsys.readouterr().err
    assert "not finite" in told or "training stopped at update" in told
    assert not (tmp_path / "r" / "metrics.json").exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"training__learning_rate": ".inf"}, "training.learning_rate is inf; it must be above 0"),
        ({"training__weight_decay": ".nan"}, "training.weight_decay is nan"),
        ({"data__mean": "[.nan, 0.5, 0.5]"}, "data.mean is [nan, 0.5, 0.5]"),
        ({"data__std": "[0.5, .inf, 0.5]"}, "data.std is [0.5, inf, 0.5]"),
        ({"data__std": "[0.5, 0.0, 0.5]"}, "std"),
        ({"criterion": "{name: JointLikelihood, tau: .nan}"}, "tau is nan"),
        ({"training__save_every": "0"}, "training.save_every is 0; accepted"),
        ({"training__save_every": "soon"}, "training.save_every is 'soon'; accepted"),
    ],
)
def test_numbers_that_are_none_are_refused_before(changes, told, faces_dir, tmp_path):
    with pytest.raises(ConfigError, match=re.escape(told)):
        train(small(faces_dir, **changes), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_finish_step_that_leaves_the_numbers(faces_dir, tmp_path, monkeypatch):
    from modular_cls.finish.bias import FitBias

    original = FitBias.fit

    def fit(*args):
        bias, sizes = original(*args)
        return bias * torch.nan, sizes

    monkeypatch.setattr(FitBias, "fit", fit)
    with pytest.raises(
        DivergedError, match=r"after the finish steps: composite_heads.0.bias: 4 of 4"
    ):
        train(small(faces_dir), tmp_path / "run", progress=False)


def test_an_empty_class_has_no_share(faces_dir, tmp_path):
    config = load_config("configs/product_corrected.yaml", data__manifest=faces_dir / "manifest.csv", data__scarcity__keep=0)  # fmt: skip
    (step,) = config.finish
    config = replace(config, finish=[{**step, "smoothing": 0}])
    with pytest.raises(ConfigError, match=r"CorrectPrior.*smoothing.*long_haired_man"):
        train(config, tmp_path / "run", progress=False)

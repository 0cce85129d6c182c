"""What people expect to be able to set: each does what it says, goes on exactly, and is refused where it cannot."""

import json

import pytest
import torch

from modular_cls.cli import main
from modular_cls.criteria import Criterion, JointLikelihood
from modular_cls.errors import ConfigError
from modular_cls.models.build import build_model
from modular_cls.runs.folder import Run
from modular_cls.schema import Schema
from modular_cls.training.fit import Fit
from modular_cls.training.task import AttributeTask
from modular_cls.training.train import train
from tests.training.small_trainings import interrupt, result, small

PLAIN = {"backbone__args": "{stem_width: 8}"}  # nothing but the knobs draws random numbers
KNOBS = {"gradient_clip": 0.5, "label_smoothing": 0.1, "mixup": 0.4, "ema": 0.8, "patience": 2}
ALL = {f"training__{name}": value for name, value in KNOBS.items()}


def weights(out):
    return json.loads((out / "metrics.json").read_text())["sha256"]["checkpoints/last.safetensors"]


@pytest.fixture(scope="module")
def usual(faces_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("usual") / "run"
    train(small(faces_dir, **PLAIN), out, progress=False)
    return out


@pytest.mark.parametrize("name", [name for name in KNOBS if name != "patience"])
def test_each_makes_another_model(name, usual, faces_dir, tmp_path):
    train(small(faces_dir, **PLAIN, **{f"training__{name}": KNOBS[name]}), tmp_path, progress=False)
    assert weights(tmp_path) != weights(usual)
    assert Run.load(tmp_path).config.training.only_trained == [name]


@pytest.fixture(scope="module")
def whole(faces_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "run"
    train(small(faces_dir, training__validate_every=3, **ALL), out, progress=False)
    return out


@pytest.mark.parametrize(("step", "number"), [("training_step", 8), ("validation_step", 2), ("test_step", 1)])  # fmt: skip
def test_all_of_them_go_on_exactly(step, number, whole, faces_dir, tmp_path):
    config = small(faces_dir, training__validate_every=3, **ALL)
    interrupt(config, tmp_path / "run", step, number)
    train(config, tmp_path / "run", progress=False, resume=True)
    assert result(tmp_path / "run") == result(whole)
    assert (tmp_path / "run" / "log.csv").read_text() == (whole / "log.csv").read_text()


def test_clipped_gradients_hardly_move_anything(usual, faces_dir, tmp_path):
    """Below AdamW's epsilon; what decays is left out."""
    config = small(faces_dir, **PLAIN, training__gradient_clip=1e-13, training__weight_decay=0)
    clipped = train(config, tmp_path / "run", progress=False).model.backbone
    torch.manual_seed(0)
    free = Run.load(usual).model.backbone
    norms = [(n, p) for n, p in clipped.named_parameters() if n.endswith("bn2.bias")]
    assert norms
    for name, value in norms:
        assert value.abs().max() < 1e-4
        assert free.get_parameter(name).abs().max() > 1e-3


def test_clipping_goes_with_half_precision(faces_dir, tmp_path):
    half = {"training__precision": "bf16-mixed", "training__gradient_clip": 0.5}
    train(small(faces_dir, **PLAIN, **half, training__updates=2), tmp_path / "run", progress=False)


def test_mixup_mixes_pictures_and_losses(faces_dir):
    config = small(faces_dir, **PLAIN, training__mixup=0.7)
    schema = Schema.from_dict(config.schema)
    model = build_model(config, schema)
    criterion = JointLikelihood(schema, {"hair_gender": torch.tensor([5, 3, 2, 1])})
    task = AttributeTask(model, criterion, config.training, []).eval()
    image, target = torch.randn(6, 3, 32, 32), {"hair_gender": torch.tensor([0, 1, 2, 3, 0, 1])}
    torch.manual_seed(3)
    found = task.training_step({"image": image, "target": target}, 0)
    torch.manual_seed(3)
    share = float(torch.distributions.Beta(0.7, 0.7).sample())
    expected = torch.tensor(0.0)
    for i in range(6):
        scores = model((share * image[i] + (1 - share) * image[i - 1])[None])
        for part, j in ((share, i), (1 - share, i - 1)):
            one = {"hair_gender": target["hair_gender"][j % 6][None]}
            expected = expected + part * criterion(scores, one) / 6
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", KNOBS)
def test_solved_heads_know_none_of_them(name, faces_dir, pretrained_dir, tmp_path, capsys):
    frozen = f"{{name: 'local-dir:{pretrained_dir}', pretrained: true, frozen: true, args: {{}}}}"
    asked = ["--config", "configs/modular.yaml", "--data.manifest", str(faces_dir / "manifest.csv")]
    knob = [f"--training.{name}", str(KNOBS[name])]
    assert main(["train", *asked, "--backbone", frozen, *knob, "--out", str(tmp_path / "run")]) != 0
    told = (
        f"training.{name} does not go with backbone.frozen: heads on a frozen backbone are solved"
    )
    assert told in " ".join(capsys.readouterr().err.split())


def test_weights_of_attributes_by_configuration(faces_dir, pretrained_dir, tmp_path):
    train(small(faces_dir, "product", **PLAIN), tmp_path / "alike", progress=False)
    weighted = "{name: AttributeLikelihood, weights: {hair: 5}}"
    mine = small(faces_dir, "product", **PLAIN, criterion=weighted)
    train(mine, tmp_path / "mine", progress=False)
    assert weights(tmp_path / "mine") != weights(tmp_path / "alike")
    for part, told in (
        ("{name: AttributeLikelihood, weights: {hat: 2}}", "unknown attribute 'hat' in criterion.weights"),
        ("{name: AttributeLikelihood, weights: {hair: -2}}", "criterion: weights.hair is -2.0; it must be at least 0"),
        ("{name: JointLikelihood, weights: {hair: 2}}", "unknown key 'weights' in criterion"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=told):
            train(small(faces_dir, "product", criterion=part), tmp_path / "run", progress=False)
    frozen = {"backbone__name": f"local-dir:{pretrained_dir}", "backbone__pretrained": True, "backbone__frozen": True}  # fmt: skip
    config = small(faces_dir, "product", criterion=weighted, **frozen | {"backbone__args": "{}"})
    with pytest.raises(ConfigError, match=r"backbone\.frozen: weights of attributes"):
        train(config, tmp_path / "run", progress=False)


UPDATES = 6
SHORT = {"training__updates": UPDATES, "training__validate_every": 0, "data__batch_size": 4}


class Remembering(Criterion):
    """A plain sum that remembers how far training was, and how fast, at each update."""

    def __init__(self):
        super().__init__()
        self.told, self.rates, self.task = [], [], None

    def forward(self, scores, targets):
        self.told.append(self.progress)
        self.rates.append([g["lr"] for g in self.task().optimizers().param_groups])
        return sum(s.mean() for s in scores.values())


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine"])
def test_progress_and_rate_go_on_with_every_update(schedule, faces_dir):
    """What waits for a share of the training is told of it (deferred weights); the rate ends near 0."""
    fit = Fit(small(faces_dir, **SHORT, training__schedule=schedule, training__learning_rate=0.01))
    fit.task.criterion = remembering = Remembering()
    remembering.task = lambda: fit.task
    fit.run(progress=False)
    assert remembering.told == pytest.approx([i / UPDATES for i in range(UPDATES)])
    rates = [rate for rate, *others in remembering.rates]
    assert all(others == others[:1] * len(others) for others in remembering.rates)
    last = fit.trainer.optimizers[0].param_groups[0]["lr"]
    assert 0.005 < max(rates) <= 0.01
    assert last < 1e-4
    assert len(set(rates)) == UPDATES


def test_matrices_and_kernels_decay_and_nothing_else(faces_dir):
    """Without any gradient, weights shrink by rate times decay; biases, norms and the class bias stay."""
    config = small(faces_dir, **SHORT, training__learning_rate=0.1, training__weight_decay=0.5)
    task = Fit(config).task
    optimiser = task.configure_optimizers()["optimizer"]
    before = {name: p.detach().clone() for name, p in task.model.named_parameters()}
    rates = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    for p in task.model.parameters():
        p.grad = torch.zeros_like(p)
    optimiser.step()
    for name, p in task.model.named_parameters():
        left = 1 - 0.5 * rates[id(p)] if p.ndim > 1 else 1
        torch.testing.assert_close(p.detach(), left * before[name], msg=name)
    assert {p.ndim for p in task.model.parameters()} >= {1, 4}

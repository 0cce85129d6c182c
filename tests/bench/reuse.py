"""What reuse costs: one shared pass against separate classifiers, ONNX Runtime against eager, heads against the pass."""

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import onnxruntime
import torch
from tables import RESULTS, show, spread
from torch import Tensor, nn

from modular_cls import load_config
from modular_cls.config import Config
from modular_cls.export.graph import write_graph
from modular_cls.models import ModularClassifier
from modular_cls.models.backbone import create_backbone
from modular_cls.models.build import build_model
from modular_cls.schema import Schema

TIMES_LIMIT = 3.5
SHARE_LIMIT = 0.02
BATCH = 32
BLOCK_SECONDS = 0.2


class Separate(nn.Module):
    """A network of its own for each joint class, this one or not: what the lecture would rather not train."""

    def __init__(self, config: Config, classes: int) -> None:
        super().__init__()
        networks = [create_backbone(config.backbone) for _ in range(classes)]
        self.networks = nn.ModuleList(
            nn.Sequential(network, nn.Linear(width, 1)) for network, width in networks
        )

    def forward(self, image: Tensor) -> Tensor:
        """Images `(B, 3, H, W)` -> probability of each joint class, `(B, classes)`."""
        image = image.contiguous(memory_format=torch.channels_last)
        return torch.cat([network(image) for network in self.networks], dim=1).sigmoid()


def measure_reuse(rounds: int) -> None:
    """Print ratios of times within a round, on one thread, for random weights: they cost what trained ones do."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    config = load_config("configs/modular.yaml")
    schema = Schema.from_dict(config.schema)
    model = build_model(config, schema).eval()
    assert isinstance(model, ModularClassifier)
    size = config.data.height_width
    for batch in (1, BATCH):
        _measure_separate(config, model, torch.randn(batch, 3, *size), rounds)
        _measure_runtime(model, torch.randn(batch, 3, *size), rounds)
    _measure_heads(model, torch.randn(BATCH, 3, *size), rounds)
    torch.set_num_threads(threads)


def _measure_separate(
    config: Config, model: ModularClassifier, images: Tensor, rounds: int
) -> None:
    classes = model.schema.joints[0].size
    separate = Separate(config, classes).eval()
    contenders = {
        "joint": lambda: _joint(model, images),
        "all": lambda: _predict(model, images),
        "separate": lambda: separate(images),
    }
    times = _alternate(contenders, rounds)
    ratios = {
        name: [b / a for a, b in zip(times[name], times["separate"], strict=True)]
        for name in ("joint", "all")
    }
    named = f"separate / modular, joint classes, {len(images)} images"
    holds = RESULTS.held(named, ratios["joint"], at_least=TIMES_LIMIT)
    show(f"All {classes} joint classes, {len(images)} images, {rounds} rounds", [
        ("modular, one pass: joint classes", _ms(times["joint"]), ""),
        ("modular, one pass: attributes too", _ms(times["all"]), ""),
        (f"{classes} separate binary classifiers", _ms(times["separate"]), ""),
        ("separate / modular, joint classes", spread(ratios["joint"], digits=2), holds),
        ("separate / modular, attributes too", spread(ratios["all"], digits=2), ""),
    ])  # fmt: skip


def _measure_runtime(model: ModularClassifier, images: Tensor, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        write_graph(path, model, (images.shape[2], images.shape[3]), {})
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    array = images.numpy()
    contenders = {
        "eager": lambda: _predict(model, images),
        "graph": lambda: session.run(None, {"image": array}),
    }
    times = _alternate(contenders, rounds)
    ratios = [a / b for a, b in zip(times["eager"], times["graph"], strict=True)]
    show(f"The whole model on {len(images)} images, {rounds} rounds", [
        ("eager", _ms(times["eager"]), ""),
        ("ONNX Runtime", _ms(times["graph"]), ""),
        ("eager / ONNX Runtime", spread(ratios, digits=2), RESULTS.held(f"eager / ONNX Runtime, {len(images)} images", ratios)),
    ])  # fmt: skip


def _measure_heads(model: ModularClassifier, images: Tensor, rounds: int) -> None:
    _stages(model, images)
    times = [_stages(model, images) for _ in range(rounds)]
    whole = [sum(stages) for stages in times]
    heads = [stages[1] / total for stages, total in zip(times, whole, strict=True)]
    probabilities = [stages[2] / total for stages, total in zip(times, whole, strict=True)]
    holds = RESULTS.held("heads as a share of the pass", heads, SHARE_LIMIT)
    show(f"Heads as a share of the pass, timed within it, {len(images)} images, {rounds} rounds", [
        ("the pass", _ms(whole), ""),
        ("attribute and composite heads", spread(heads, digits=4), holds),
        ("probabilities of all outputs", spread(probabilities, digits=4), ""),
    ])  # fmt: skip


@torch.inference_mode()
def _stages(
    model: ModularClassifier, images: Tensor, repeats: int = 20
) -> tuple[float, float, float]:
    """Seconds of backbone, heads, and probabilities; alone, in a loop, the last two would find all caches warm."""
    seconds = [0.0, 0.0, 0.0]
    for _ in range(repeats):
        marks = [time.perf_counter()]
        features = model.extract(images)
        marks.append(time.perf_counter())
        scores = model.score(features)
        marks.append(time.perf_counter())
        model.log_probabilities(scores)
        marks.append(time.perf_counter())
        seconds = [s + b - a for s, a, b in zip(seconds, marks, marks[1:], strict=False)]
    return seconds[0] / repeats, seconds[1] / repeats, seconds[2] / repeats


def _joint(model: ModularClassifier, images: Tensor) -> Tensor:
    """What the separate classifiers tell, and no more."""
    joint = model.schema.joints[0].name
    return (model(images)[joint] + model.log_priors[joint]).log_softmax(1)


def _predict(model: ModularClassifier, images: Tensor) -> dict[str, Tensor]:
    return model.log_probabilities(model(images))


@torch.inference_mode()
def _alternate(
    contenders: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, list[float]]:
    """Seconds per call of each contender, by round; within a round all take turns, so that a drift favours none."""
    repeats = {}
    for name, call in contenders.items():
        call()
        repeats[name] = max(1, int(BLOCK_SECONDS / _seconds(call, 3)))
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name in list(contenders)[:: 1 if number % 2 else -1]:
            times[name].append(_seconds(contenders[name], repeats[name]))
    return times


def _seconds(call: Callable[[], object], repeats: int) -> float:
    started = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - started) / repeats


def _ms(seconds: list[float]) -> str:
    return spread([1000 * s for s in seconds], "ms", 2)

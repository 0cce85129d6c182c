"""A method tried on stand-ins, when its configuration is read: no picture, no network, no table.

Whatever model, criterion and finish steps refuse (arguments, ranges, each other) is refused here,
in milliseconds; what depends on the pictures or the network, `Fit` tries on those.
"""

import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from modular_cls import criteria, models
from modular_cls.config import Config
from modular_cls.criteria import Criterion, JointLikelihood
from modular_cls.errors import ConfigError, require, shortened
from modular_cls.finish import FinishStep
from modular_cls.models.backbone import create_backbone, told_size
from modular_cls.models.build import build_model
from modular_cls.models.contract import check_contract
from modular_cls.models.joint_classifier import JointClassifier
from modular_cls.parts import build_part
from modular_cls.schema import Schema
from modular_cls.training.ending import build_ending, taught_classes
from modular_cls.training.knob import check_knob

_WIDTH = 8  # features of a stand-in for the network
_WIDTH_OF_NETWORKS = 1024  # about
_IN_GRAPHS = ("image", "embedding")


def rehearse(config: Config) -> None:
    """Build a method on stand-ins and let two images pass, the first and the last joint class.

    Raises:
        ConfigError: If a part does not exist, an argument of it does not fit, or parts do not fit
            each other.
        SchemaError: If the schema does not fit.
    """
    schema = Schema.from_dict(config.schema)
    _check_room(config, schema)
    check_names(schema)
    check_knob(config)
    scarce = [s.joint_class for s in config.data.scarcities]
    if twice := [c for i, c in enumerate(scarce) if c in scarce[:i]]:
        raise ConfigError(f"data.scarcity names {twice[0]} twice; one entry makes it scarce")
    with torch.random.fork_rng(devices=[]):  # whoever reads a configuration draws nothing
        build_part(config.model, models, JointClassifier, "model")  # as it is written
        model = build_model(config, schema, _WIDTH)
        model.frozen = config.backbone.frozen
        model.pretrained = config.backbone.pretrained or config.backbone.frozen
        ones = {joint.name: torch.ones(joint.size) for joint in schema.joints}
        criterion = build_part(config.criterion, criteria, Criterion, "criterion")(
            schema=model.learned, counts=ones, observed=None
        )
        criterion.check(model)
        _check_direct(model, criterion)
        counts = {"train": ones} | ({"held_out": ones} if config.data.hold_out else {})
        taught = taught_classes(criterion, ones)
        ending = build_ending(model, counts, taught, config.finish, config.prediction)
        _check_taught(model, criterion, ending.steps)


def try_networks(configs: Iterable[Config]) -> None:
    """Let blank pictures pass the network of each configuration, without its weights.

    For many that run one after another, so that the last one's is not refused hours after the first
    one's; `Fit` tries its own.

    Raises:
        ConfigError: As `create_backbone` and `check_contract`.
    """
    tried = set()
    for config in configs:
        size = config.data.height_width
        if (key := repr((config.backbone, size))) in tried:
            continue
        tried.add(key)
        bare = replace(config.backbone, pretrained=False, frozen=False, digest=None)
        with torch.random.fork_rng(devices=[]):
            backbone = told_size(bare, size)
            check_contract(backbone, *create_backbone(backbone), size)


@torch.no_grad()
def try_blank(
    model: JointClassifier,
    criterion: Criterion,
    targets: Mapping[str, Tensor],
    size: tuple[int, int],
) -> None:
    """Let one blank picture, labelled as the first of training, pass a whole model.

    Raises:
        ConfigError: If the loss is not finite.
    """
    modes = {part: part.training for part in (*model.modules(), *criterion.modules())}
    scores = model.eval()(torch.zeros(1, 3, *size))
    loss = float(criterion.eval()(scores, {name: t[:1] for name, t in targets.items()}))
    for part, training in modes.items():
        part.training = training
    name = type(criterion).__name__
    require(math.isfinite(loss), f"the loss of a blank picture by {name}", loss, "finite")


def check_names(schema: Schema) -> None:
    """Refuse names that a table of predictions or an exported graph has for something else.

    Raises:
        ConfigError: With the name.
    """
    columns = ["path", "box", "error"]
    for output in schema.outputs:
        if output.name in _IN_GRAPHS:
            why = f"{' and '.join(_IN_GRAPHS)} are what goes in and comes out of an exported graph"
            raise ConfigError(f"schema: {output.name!r} may be no attribute or composite: {why}")
        columns += [output.name, *(f"{output.name}={name}" for name in output.class_names)]
    if repeated := [name for name, times in Counter(columns).items() if times > 1]:
        problem = f"a table of predictions would have two columns called {shortened(repeated)}"
        raise ConfigError(f"schema: {problem}; rename an attribute, value or composite")


def _check_room(config: Config, schema: Schema) -> None:
    """Refuse joint spaces that this machine has no memory for, before any class is listed."""
    needed = 8 * sum(output.size**2 for output in schema.outputs)  # who is taken for whom
    if needed <= (there := os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")):
        with torch.device("meta"):
            heads = build_model(config, schema, _WIDTH_OF_NETWORKS)
        needed += 4 * 4 * sum(p.numel() for p in heads.parameters())  # gradients, two moments each
    if needed > there:
        sizes = {joint.name.rstrip("*"): joint.size for joint in schema.joints}
        most = max(sizes, key=lambda name: sizes[name])
        size = f"{sum(sizes.values()):,} joint classes in {len(sizes):,} spaces, most in {most}"
        raise ConfigError(
            f"schema: {size}, need about {needed / 2**30:,.0f} GiB of memory, and this machine has "
            f"{there / 2**30:,.0f}. Make composites of fewer attributes"
        )


def _check_direct(model: JointClassifier, criterion: Criterion) -> None:
    """Refuse direct heads in a network that is trained by a criterion which does not teach them."""
    teaches = any(isinstance(part, JointLikelihood) for part in criterion.modules())
    if getattr(model, "direct_heads", ()) and not model.frozen and not teaches:
        raise ConfigError(
            "model.interaction: in a network that is trained, direct heads are learned by "
            f"criterion JointLikelihood, not by {type(criterion).__name__}; leave it out"
        )


def _check_taught(model: JointClassifier, criterion: Criterion, steps: list[FinishStep]) -> None:
    """Refuse heads that would stay as they were drawn: no loss reaches them, no step fills them."""
    scores = model.train().score(torch.ones(2, _WIDTH))
    loss: Tensor = criterion.train()(scores, _first_and_last(model.schema))
    loss.backward()
    for place in ("attribute_heads", "composite_heads", "joint_heads"):
        heads = getattr(model, place, nn.ModuleList())
        weights = [weight for weight in heads.parameters() if weight.ndim > 1]
        reached = all(weight.grad is not None for weight in weights)
        if not reached and place not in [step.fills for step in steps]:
            raise ConfigError(
                f"criterion {type(criterion).__name__} does not teach the {place.replace('_', ' ')}"
                f" of model {type(model).__name__}, and no finish step fits them: they would stay "
                "random. Leave them out, or choose another criterion or finish step"
            )


def _first_and_last(schema: Schema) -> dict[str, Tensor]:
    """Targets of two images: the first class of every output and joint space, and the last."""
    outputs = (*schema.outputs, *schema.joints)
    return {output.name: torch.tensor([0, output.size - 1]) for output in outputs}

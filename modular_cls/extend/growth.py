"""A trained model with more attributes and joint classes, in memory, on its frozen backbone.

A new attribute gets a head fitted to the features of a few labelled images. A joint space that is
new gets the bias of its joint classes fitted, and extrapolated, as after training. All other
weights stay.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from modular_cls import finish
from modular_cls.data.datamodule import AttributeDataModule
from modular_cls.data.dataset import AttributeDataset
from modular_cls.errors import ConfigError, ManifestError
from modular_cls.extend.attribute_fit import fit_attribute
from modular_cls.extend.extension import Extension
from modular_cls.features.extract import extract_features
from modular_cls.models.build import build_model
from modular_cls.models.heads import Additive
from modular_cls.models.kept import keep
from modular_cls.models.modular import ModularClassifier
from modular_cls.models.prior import joint_prior
from modular_cls.parts import build_part
from modular_cls.runs.folder import Run
from modular_cls.runs.scores import FILE, AttributeScores, additive
from modular_cls.schema import Attribute, Composite, Schema

_BATCH = 250


@dataclass(frozen=True)
class Extended:
    """A run that was extended, in memory.

    Attributes:
        what: What it was extended by.
        model: The model with all of it, on the CPU.
        scores: Attribute scores of the images of both.
        fitted: The joint spaces that are new.
        changed: Old outputs that are now marginals of a joint space that is new, and so changed.
        images: Labelled images that new attributes were learned from.
        notes: What the fits have to tell, as in `metrics.json` under `finish`.
    """

    what: Extension
    model: ModularClassifier
    scores: AttributeScores
    fitted: list[Composite]
    changed: list[str]
    images: int
    notes: dict[str, float | None]


def extend_model(run: Run, folder: Path, what: Extension) -> Extended:
    """Extend a run.

    Args:
        run: The run.
        folder: Where it is.
        what: By what.

    Raises:
        ConfigError: If the run or its scores do not fit, an attribute has a value without images,
            or attributes of a joint space are never labelled together.
        ManifestError: If the images cannot be used.
    """
    old = additive(run.model)
    if old is None:
        raise ConfigError(f"{folder}: only runs of ModularClassifier with composite Additive "
                          "can be extended; "
                          f"this one's model is {run.config.model}")  # fmt: skip
    schema = what.schema
    model, fitted = _grown(old, what)
    new = [schema.attribute(name) for name in what.new["attributes"]]
    learns = what.has_images and bool(new or fitted)
    scores = None if learns and not (folder / FILE).is_file() else AttributeScores.read(folder)
    images, notes = 0, dict[str, float | None]()
    if learns:
        rows, features = _labelled(model, what, new, fitted)
        known = model.attribute_scores(features)
        for attribute in new:
            head = model.attribute_heads[schema.attributes.index(attribute)]
            known[attribute.name], accuracy = fit_attribute(
                head, attribute, rows, features, run.config.seed, model.frozen
            )
            notes[f"cross_validated/{attribute.name}"] = accuracy
        fresh = AttributeScores.draw(schema, known, rows.targets, run.config.seed)
        scores, images = (fresh if scores is None else scores + fresh), len(rows)
    assert scores is not None
    notes |= _fit_spaces(model, what, fitted, scores)
    return Extended(
        what, model, scores, fitted, _changed(old.schema, schema, fitted), images, notes
    )


def _grown(old: ModularClassifier, what: Extension) -> tuple[ModularClassifier, list[Composite]]:
    """The model of the whole with the weights of the old one, and its joint spaces that are new."""
    model = build_model(what.config, what.schema, old).eval().requires_grad_(False)
    assert isinstance(model, ModularClassifier)  # as the old one
    for attribute, head in zip(old.schema.attributes, old.attribute_heads, strict=True):
        model.attribute_heads[model.schema.attributes.index(attribute)].load_state_dict(
            head.state_dict()
        )
    spaces = {frozenset(j.attributes): i for i, j in enumerate(old.schema.joints)}
    fitted = []
    for i, joint in enumerate(model.schema.joints):
        at = spaces.get(frozenset(joint.attributes))
        if at is None:
            fitted.append(joint)
            continue
        before = old.schema.joints[at]
        order = _same_classes(before, joint)
        _bias(model, i).copy_(_bias(old, at)[order])
        model.log_priors[joint.name].copy_(old.log_priors[before.name][order])
        if len(model.direct_heads) and len(old.direct_heads):
            _copy_direct(model.direct_heads[i], old.direct_heads[at], order)
    return model, fitted


def _labelled(
    model: ModularClassifier, what: Extension, new: list[Attribute], fitted: list[Composite]
) -> tuple[AttributeDataset, Tensor]:
    """The training images that the extension learns from, and their features (N, F)."""
    module = AttributeDataModule(what.schema, what.config.data, what.config.seed, splits=("train",))
    whole = module.datasets["train"]
    rows = whole.manifest.select(
        torch.stack([whole.targets[o.name] >= 0 for o in (new or fitted)]).any(0).numpy()
    )  # fmt: skip
    if not len(rows):
        names = ", ".join(o.name for o in (new or fitted))
        raise ManifestError(
            what.config.data.manifest, [f"no training image has a label of {names}"]
        )
    dataset = AttributeDataset(rows, whole.pixels)
    if model.frozen:
        digest = keep(model.backbone)
        features = extract_features(rows, whole.pixels, model.backbone, digest, "Features")
        return dataset, features
    with torch.no_grad():
        parts = [range(i, min(i + _BATCH, len(rows))) for i in range(0, len(rows), _BATCH)]
        each = [model.extract(torch.stack([dataset[i]["image"] for i in part])) for part in parts]
    return dataset, torch.cat(each)


def _fit_spaces(
    model: ModularClassifier, what: Extension, fitted: list[Composite], scores: AttributeScores
) -> dict[str, float | None]:
    """Fit biases and set priors of the joint spaces that are new."""
    asked = next((p for p in what.config.finish if p["name"] == "FitBias"), {"name": "FitBias"})
    step: finish.FitBias = build_part(asked, finish, "finish")()
    notes: dict[str, float | None] = {}
    for joint in fitted:
        _check_together(joint, scores)
        i, counts = model.schema.joints.index(joint), scores.count(joint)
        known, target = scores.of(joint)
        head = model.composite_heads[i]
        assert isinstance(head, Additive)  # as all of the old model
        bias, sizes = step.fit(head.energies(known).double(), target, joint)
        _bias(model, i).copy_(bias)
        prediction = what.config.prediction
        reach = model.reachable(joint, counts > 0)
        allowed = torch.ones_like(reach) if prediction.unreachable else reach
        model.log_priors[joint.name].copy_(
            joint_prior(joint, prediction.prior, counts, allowed).log()
        )
        notes |= {
            f"effective_sample_size/{joint.class_names[z]}": size for z, size in sizes.items()
        }
    return notes


def _check_together(joint: Composite, scores: AttributeScores) -> None:
    if scores.together(joint.attributes):
        return
    alone = ", ".join(f"{a.name} by {scores.together([a]):,}" for a in joint.attributes)
    raise ConfigError(
        f"joint classes of {', '.join(a.name for a in joint.attributes)} need images that know "
        "all of these, and "
        f"there are none ({alone}); how far the attributes go together in pictures cannot be "
        "learned without"
    )


def _changed(before: Schema, after: Schema, fitted: list[Composite]) -> list[str]:
    """Old outputs that are marginals of a joint space that is new."""
    return [o.name for o in before.outputs if any(s in fitted for s in after.answering(o))]


def _same_classes(before: Composite, after: Composite) -> list[int]:
    """For each class of `after`, the class of `before` with the same values.

    Their attributes are in any order.
    """
    place = [after.attributes.index(a) for a in before.attributes]
    index = {cell: z for z, cell in enumerate(before.cells)}
    return [index[tuple(cell[i] for i in place)] for cell in after.cells]


def _copy_direct(new: nn.Module, old: nn.Module, order: list[int]) -> None:
    """The direct head of a joint space whose classes may stand in another order."""
    state = {name: values[order] for name, values in old.state_dict().items()}
    new.load_state_dict(state)


def _bias(model: ModularClassifier, i: int) -> Tensor:
    bias = model.composite_heads[i].bias
    assert isinstance(bias, Tensor)
    return bias.data

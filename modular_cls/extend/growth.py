"""A trained model with more attributes and joint classes, in memory, on its frozen backbone.

A new attribute gets a head fitted to the features of a few labelled images. A joint space that is
new gets the bias of its joint classes fitted, and extrapolated, as after training. All other
weights stay.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from modular_cls import finish
from modular_cls.data.datamodule import AttributeDataModule
from modular_cls.data.dataset import AttributeDataset
from modular_cls.errors import ConfigError, ManifestError
from modular_cls.extend.attribute_fit import fit_attribute, fit_values
from modular_cls.extend.extension import Extension
from modular_cls.extend.grown import bias_of, grown_model
from modular_cls.features.extract import extract_features
from modular_cls.finish import Features
from modular_cls.finish.outputs import FitOutputs
from modular_cls.models.frozen_weights import keep
from modular_cls.models.heads import Additive
from modular_cls.models.modular import ModularClassifier
from modular_cls.models.prior import joint_prior
from modular_cls.parts import build_part
from modular_cls.runs.folder import Run
from modular_cls.runs.scores import FILE, AttributeScores, additive
from modular_cls.schema import Attribute, Composite, Schema

_BATCH = 250  # pictures that pass the network at once


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
                          f"can be extended; this one's model is {run.config.model}")  # fmt: skip
    schema = what.schema
    model, fitted, grown = grown_model(old, what)
    named = [schema.attribute(name) for name in (*what.new["attributes"], *what.values)]
    new = [a for a in named if a in model.learned.attributes]
    learns = what.has_images and bool(named or fitted)
    scores = None if learns and not (folder / FILE).is_file() else AttributeScores.read(folder)
    images, notes = 0, dict[str, float | None]()
    if learns:
        rows, features = _labelled(model, what, named, fitted)
        known = model.attribute_scores(features)
        for attribute in new:
            head = model.attribute_heads[model.learned.attributes.index(attribute)]
            before = len(attribute.values) - len(what.values.get(attribute.name, attribute.values))
            labelled = (rows, features, run.config.seed, model.frozen)
            known[attribute.name], accuracy = (
                fit_values(head, attribute, before, *labelled)
                if before
                else fit_attribute(head, attribute, *labelled)
            )
            notes[f"cross_validated/{attribute.name}"] = accuracy
        fresh = AttributeScores.draw(model.learned, known, rows.targets, run.config.seed)
        scores, images = (fresh if scores is None else scores + fresh), len(rows)
    assert scores is not None
    notes |= _fit_spaces(model, what, fitted, grown, scores)
    if len(named) > len(new):
        notes |= _conclude(model, what, Features(features, rows.targets))
    return Extended(
        what, model, scores, fitted, _changed(old.schema, schema, fitted), images, notes
    )


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
        batches = []
        for start in range(0, len(rows), _BATCH):
            batch = range(start, min(start + _BATCH, len(rows)))
            batches.append(model.extract(torch.stack([dataset[i]["image"] for i in batch])))
    return dataset, torch.cat(batches)


def _fit_spaces(
    model: ModularClassifier,
    what: Extension,
    fitted: list[Composite],
    grown: Mapping[str, list[int]],
    scores: AttributeScores,
) -> dict[str, float | None]:
    """Fit biases and set priors of the joint spaces that are new.

    Classes that were there before a value was added keep their biases; `grown` says which.
    """
    asked = next((p for p in what.config.finish if p["name"] == "FitBias"), {"name": "FitBias"})
    step = build_part(asked, finish, finish.FinishStep, "finish")()
    assert isinstance(step, finish.FitBias)
    notes: dict[str, float | None] = {}
    for joint in fitted:
        _check_together(joint, scores)
        i, counts = model.learned.joints.index(joint), scores.count(joint)
        known, target = scores.of(joint)
        kept = grown.get(joint.name, [])
        if kept and not torch.isin(target, torch.tensor(kept)).any():
            raise ConfigError(
                f"{what.config.data.manifest}: no training image knows all of "
                f"{', '.join(a.name for a in joint.attributes)}, with values that the run had; "
                "some are needed, to compare joint classes of the new value with"
            )
        head = model.composite_heads[i]
        assert isinstance(head, Additive)  # as all of the old model
        bias, sizes = step.fit(head.energies(known).double(), target, joint)
        if kept:
            bias = _beside(bias, bias_of(model, i), kept, target)
        bias_of(model, i).copy_(bias)
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


def _beside(fitted: Tensor, before: Tensor, kept: list[int], target: Tensor) -> Tensor:
    """Biases as they were of the classes `kept`, found ones of the others on the same scale.

    Biases are defined up to a constant: that of the kept classes which have images in both fits.
    """
    weight = torch.bincount(target, minlength=len(fitted))[kept].double()
    shift = (weight * (before[kept].double() - fitted[kept])).sum() / weight.sum()
    result = fitted + shift
    result[kept] = before[kept].double()
    return result


def _conclude(
    model: ModularClassifier, what: Extension, images: Features
) -> dict[str, float | None]:
    """Fit the heads of conclusions that are new, and set their priors."""
    step, notes = FitOutputs(), dict[str, float | None]()
    counts = {
        f"{c.attribute.name}*": torch.bincount(
            (t := images.targets[c.attribute.name])[t >= 0], minlength=len(c.attribute.values)
        )
        for c in model.schema.conclusions
    }
    for i, conclusion in enumerate(model.schema.conclusions):
        name = conclusion.attribute.name
        if name in what.new["attributes"]:
            step.check_one(name, counts[f"{name}*"])
            space = next(j for j in model.schema.joints if j.name == f"{name}*")
            prediction, count = what.config.prediction, counts[space.name]
            allowed = torch.ones_like(count) if prediction.unreachable else count > 0
            prior = joint_prior(space, prediction.prior, count, allowed)
            model.log_priors[space.name].copy_(prior.log())
            notes |= step.fit(model, i, images)
    return notes


def _check_together(joint: Composite, scores: AttributeScores) -> None:
    if scores.together(joint.attributes):
        return
    alone = ", ".join(f"{a.name} by {scores.together([a]):,}" for a in joint.attributes)
    raise ConfigError(
        f"joint classes of {', '.join(a.name for a in joint.attributes)} need images that know all "
        f"of these, and there are none ({alone}); how far the attributes go together in pictures "
        "cannot be learned without"
    )


def _changed(before: Schema, after: Schema, fitted: list[Composite]) -> list[str]:
    """Old outputs that are marginals of a joint space that is new."""
    now = (after.output(o.name) for o in before.learned.outputs)
    return [o.name for o in now if not set(fitted).isdisjoint(after.answering(o))]

"""What is said before a training."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from modular_cls.config import Augment, Config, Data
from modular_cls.data.contradictions import find_contradictions, transform_names
from modular_cls.data.datamodule import AttributeDataModule
from modular_cls.data.fitting import FAR, is_far
from modular_cls.data.images import read_shape
from modular_cls.errors import ImageError, shortened
from modular_cls.models.backbone import Description
from modular_cls.models.joint_classifier import JointClassifier
from modular_cls.schema import MAX_JOINT_CLASSES, Schema

_NO_TEST = (
    "only validation, by which trainings are chosen, measures the model; `modular-cls evaluate RUN "
    "--manifest OTHER` measures it on other images"
)
_LOOKED_AT = 100  # headers of training pictures
_TOLD = 0.05  # share of them that is worth a word
_FATE = {
    "squash": "squashed; data.fit: pad or crop keeps their proportions",
    "crop": "data.fit: crop leaves less than two thirds of them",
    "pad": "data.fit: pad makes more than a third of what is seen grey",
}


def announce_augmentation(config: Config, schema: Schema) -> None:
    """Say what is done to training images in place of the usual, and where labels contradict it."""
    data = config.data
    if config.backbone.frozen:
        if data.augment != Augment():
            print("  data.augment is not used: pictures pass a frozen backbone as they are")
        return
    if data.augmentation is not None:
        names = ", ".join(dict.fromkeys(transform_names(data.augmentation)))
        print(f"  training images are changed by data.augmentation ({names}), not by data.augment")
    for contradiction in find_contradictions(schema, data):
        print(f"  {contradiction}")


def announce_images(config: Config, data: AttributeDataModule, parameters: int) -> None:
    """Say what is trained, and on what."""
    images = len(data.datasets["train"].manifest)
    print(
        f"{config.method}: {parameters:,} parameters, {images:,} training images, seed "
        f"{config.seed}"
    )
    if config.data.limit is not None:
        print(f"  a first look at {config.data.limit} pictures at most: its numbers are no result")
    if config.data.test and "test" not in data.datasets:
        print(f"  no test split: {_NO_TEST}")
    if data.skipped:
        print(
            f"  {data.skipped:,} rows of the manifest are skipped: their pictures cannot be decoded"
        )


def announce_shapes(data: AttributeDataModule) -> None:
    """Say that pictures have another shape than what the network sees, if some of them do."""
    rows, size = data.datasets["train"].manifest, data.data.height_width
    looked_at = np.linspace(0, len(rows) - 1, min(len(rows), _LOOKED_AT)).astype(int).tolist()
    shapes = []
    for i in looked_at:
        try:
            shapes.append(read_shape(rows.file(i), rows.named(i), rows.box(i)))
        except ImageError:  # told when it is decoded
            continue
    far = sum(is_far(shape, size) for shape in shapes)
    if far > _TOLD * len(looked_at):
        print(
            f"  {far} of {len(looked_at)} training pictures looked at are far from the shape of "
            f"data.image_size, {size[0]} x {size[1]} (height x width), over {FAR} times: "
            f"{_FATE[data.data.fit]}"
        )


def announce_scale(asked: Data, known: Description) -> None:
    """Say where pixels are scaled otherwise than those that the weights were learned with."""
    for name in ("mean", "std"):
        mine, own = getattr(asked, name), getattr(known, name)
        if own and tuple(mine) != tuple(own):
            print(f"  data.{name} is {list(mine)}; the weights were learned with {list(own)}")


def announce_reach(
    model: JointClassifier, counts: Mapping[str, Tensor], taught: Mapping[str, Tensor], all_: bool
) -> None:
    """Say which joint classes without training images are learned all the same, and which are not.

    Args:
        model: What says which classes it reaches.
        counts: Training images of each class, by joint space.
        taught: Mask of the classes that training images teach, by joint space.
        all_: Classes out of reach are predicted all the same.
    """
    for joint in model.schema.joints:
        seen, shown = counts[joint.name] > 0, taught[joint.name]
        each = list(zip(joint.class_names, seen, shown, model.reachable(joint, shown), strict=True))
        parts = [name for name, s, t, _ in each if t and not s]
        composed = [name for name, _, t, r in each if r and not t]
        lost = [name for name, _, _, r in each if not r]
        how = "predicted all the same" if all_ else "never predicted"
        for what, names in (
            ("without fully labelled training images, learned from parts", parts),
            ("without training images, reachable by composition", composed),
            (f"without training images, out of this method's reach, {how}", lost),
        ):
            if names:
                print(f"  {what}: {shortened(names, 'all: modular-cls audit --json')}")


def announce_spaces(schema: Schema) -> None:
    """Say which outputs several joint spaces answer for, and how."""
    shared = [(o, s) for o in schema.outputs if len(s := schema.answering(o)) > 1]
    if not shared:
        return
    print(
        f"  composites that share attributes make over {MAX_JOINT_CLASSES} joint classes together, "
        "so each is learned in a joint space of its own; what several answer for is the average "
        "of their log probabilities:"
    )
    answers = []
    for output, spaces in shared:
        answers.append(f"{output.name} ({', '.join(space.name for space in spaces)})")
    print(f"  {'; '.join(answers)}")


def announce_repeated(data: AttributeDataModule) -> None:
    """Say that test images are training images too, if some are."""
    if data.repeated is not None and data.repeated.any():
        test = data.datasets["test"].manifest
        rows, paths = test.rows[data.repeated], test.paths[data.repeated]
        print(
            f"  {len(rows):,} of {len(test):,} test images are training images too, by content "
            f"(row {rows[0]}: {paths[0]} ...); scores flatter: see modular-cls audit"
        )

"""What is said before a training."""

from collections.abc import Mapping

from torch import Tensor

from modular_cls.data.datamodule import AttributeDataModule
from modular_cls.errors import shortened
from modular_cls.models.joint import JointClassifier
from modular_cls.schema import MAX_JOINT_CLASSES, Schema


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
        for told, names in (
            ("without fully labelled training images, learned from parts", parts),
            ("without training images, reachable by composition", composed),
            (f"without training images, out of this method's reach, {how}", lost),
        ):
            if names:
                print(f"  {told}: {shortened(names, 'all: modular-cls audit --json')}")


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
    told = [f"{o.name} ({', '.join(s.name for s in spaces)})" for o, spaces in shared]
    print(f"  {'; '.join(told)}")


def announce_repeated(data: AttributeDataModule) -> None:
    """Say that test images are training images too, if some are."""
    if data.repeated is not None and data.repeated.any():
        test = data.datasets["test"].manifest
        rows, paths = test.rows[data.repeated], test.paths[data.repeated]
        print(
            f"  {len(rows):,} of {len(test):,} test images are training images too, by content "
            f"(row {rows[0]}: {paths[0]} ...); scores flatter: see modular-cls audit"
        )

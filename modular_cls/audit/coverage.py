"""What the labels lack, and where pools and identities mislead.

Values, joint classes and splits may be without images.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np

from modular_cls.audit.findings import Finding, Labels, Level, cited
from modular_cls.audit.label_counts import count_values
from modular_cls.data.manifest import SPLITS, UNKNOWN, Manifest
from modular_cls.schema import MAX_JOINT_CLASSES, Attribute, Composite, Schema

FEW = 10  # training images below which a joint class is called nearly empty


def judge_labels(
    manifest: Manifest, train: Manifest, labels: Labels, made_scarce: bool, validates: bool = True
) -> Iterator[Finding]:
    """Judge what was counted.

    Args:
        manifest: The table, unknown where a label does not fit.
        train: The training images left once scarcity is applied.
        labels: The counts of both.
        made_scarce: Whether scarcity took images away.
        validates: Whether training looks at validation.
    """
    yield from _empty_splits(labels, validates)
    yield from _averaged(manifest.schema)
    yield from _identities(manifest)
    yield from _untested(labels)
    if len(train):  # without any training image, all that follows would only say so again
        yield from _untrained_values(train)
        yield from _never_together(train, labels)
        yield from _unlabelled(train)
        yield from _few(labels, made_scarce)
        yield from _without_images(labels)
        yield from _pools(train)


def _empty_splits(labels: Labels, validates: bool) -> Iterator[Finding]:
    needed = ("train", "validation") if validates else ("train",)
    if empty := [name for name in needed if not labels.splits[name]]:
        what = "splits without any row: training refuses the table"
        advice = "give some rows that split; a table that is only evaluated on can do without"
        yield Finding("error", "empty_split", len(empty), what, advice, empty)
    if without := [name for name in SPLITS if name not in needed and not labels.splits[name]]:
        what = "splits without any row: training does without, and measures nothing on them"
        advice = "give some rows that split, or evaluate on another table later"
        yield Finding("warning", "unmeasured_split", len(without), what, advice, without)


def _averaged(schema: Schema) -> Iterator[Finding]:
    """Outputs that several joint spaces answer for."""
    shared = {o.name: s for o in schema.outputs if len(s := schema.answering(o)) > 1}
    if shared:
        what = (
            f"outputs in several joint spaces, for composites that share attributes make over "
            f"{MAX_JOINT_CLASSES} joint classes together: each is the average of their log "
            "probabilities"
        )
        named = [f"{name}: {_listed(spaces)}" for name, spaces in shared.items()]
        advice = "nothing, if that is what you mean; fewer values would make one joint space of all"
        yield Finding("note", "averaged", len(shared), what, advice, named)


def _listed(parts: Iterable[Attribute | Composite]) -> str:
    return ", ".join(part.name for part in parts)


def _untrained_values(train: Manifest) -> Iterator[Finding]:
    none = [
        f"{name}: {value}"
        for name, counts in count_values(train).items()
        for value, n in counts.items()
        if not n
    ]
    if none:
        what = (
            "attribute values without a training image: nothing tells a model what they look like"
        )
        yield Finding(
            "error",
            "value_without_training",
            len(none),
            what,
            "add images, or take them out of the schema",
            none,
        )


def _never_together(train: Manifest, labels: Labels) -> Iterator[Finding]:
    joints = [
        j for j in train.schema.joints if j.name in labels.reachable and not train.counts(j).any()
    ]
    # Of one attribute, its values are missing already.
    several = [j for j in joints if len(j.attributes) > 1]
    if several:
        what = "joint spaces of which no training image has all labels: training refuses the table"
        named = [f"{j.name}: {_listed(j.attributes)}" for j in several]
        yield Finding(
            "error",
            "never_together",
            len(several),
            what,
            "label some training images in full: the others then teach by the marginal likelihood "
            "(docs/results/partly.md); or take the composite out: attributes are then learned side "
            "by side, each from the images that know it",
            named,
        )


def _unlabelled(train: Manifest) -> Iterator[Finding]:
    where = np.flatnonzero((train.labels == UNKNOWN).all(axis=1))
    if len(where):
        what = "training images without any label: they teach nothing"
        advice = "label them or leave them out"
        yield Finding(
            "warning",
            "unlabelled",
            len(where),
            what,
            advice,
            cited(train, where),
            train.rows[where].tolist(),
        )


def _few(labels: Labels, made_scarce: bool) -> Iterator[Finding]:
    few = [
        (name, c)
        for name, classes in labels.classes.items()
        for c in classes
        if 0 < c.training < FEW
    ]
    if few:
        after = " after scarcity" if made_scarce else ""
        what = (
            f"joint classes with fewer than {FEW} training images{after}: their scores vary "
            "with the draw"
        )
        advice = "compare over several seeds; images of these classes are worth the most"
        named = [f"{name}: {c.name} has {c.training}" for name, c in few]
        yield Finding("warning", "few_training_images", len(few), what, advice, named)


def _untested(labels: Labels) -> Iterator[Finding]:
    if labels.splits["test"]:
        none = [
            f"{name}: {c.name}"
            for name, classes in labels.classes.items()
            for c in classes
            if not c.test
        ]
        if none:
            what = "joint classes without a test image: their recall will be undefined"
            yield Finding("warning", "untested", len(none), what, "add test images of them", none)


def _without_images(labels: Labels) -> Iterator[Finding]:
    kinds: tuple[tuple[Level, str, dict[str, list[str]], str, str], ...] = (
        ("note", "learned_from_parts", labels.from_parts, "with all labels: partly labelled "
                                                          "ones teach them", ""),
        ("note", "reachable", labels.reachable, "that additive composition reaches", ""),
        ("warning", "out_of_reach", labels.unreachable, "that composition does not reach: "
                                                        "never predicted",
         "add a few training images of them, or of classes that share their values"),
    )  # fmt: skip
    for level, kind, names, which, advice in kinds:
        classes = [f"{joint}: {name}" for joint, lacking in names.items() for name in lacking]
        if classes:
            what = f"joint classes without a training image {which}"
            yield Finding(level, kind, len(classes), what, advice, classes)


def _pools(train: Manifest) -> Iterator[Finding]:
    """Partly labelled rows teach by which of the values that could be there are there.

    One alone is no news.
    """
    names = [a.name for a in train.schema.attributes]
    examples, pooled = [], np.zeros(len(train), dtype=bool)
    for joint in train.schema.joints:
        labels = train.labels[:, [names.index(a.name) for a in joint.attributes]]
        known = labels != UNKNOWN
        for mask in np.unique(known[known.any(axis=1) & ~known.all(axis=1)], axis=0):
            where = np.flatnonzero((known == mask).all(axis=1))
            first = labels[where[0]]
            if (labels[where] == first).all():
                values = ", ".join(
                    f"{a.name} {a.values[v]}"
                    for a, v in zip(joint.attributes, first, strict=True)
                    if v >= 0
                )
                examples.append(f"{joint.name}: {len(where):,} rows know {values} and nothing else")
                pooled[where] = True
    if examples:
        what = (
            "groups of training images that know the same attributes and hold a single value of "
            "them: no news"
        )
        advice = "add images with the same labels known and other values, or label these in full"
        yield Finding(
            "warning",
            "uninformative_pool",
            len(examples),
            what,
            advice,
            examples,
            train.rows[pooled].tolist(),
        )


def _identities(manifest: Manifest) -> Iterator[Finding]:
    """Persons or objects that stand in several splits."""
    identity = manifest.extra.get("identity")
    if identity is None:
        return
    placed = np.flatnonzero((identity != "") & (manifest.splits != UNKNOWN))
    names, of_row = np.unique(identity[placed].astype(str), return_inverse=True)
    inside = np.zeros((len(names), len(SPLITS)), dtype=bool)
    inside[of_row, manifest.splits[placed]] = True
    rows = np.split(
        manifest.rows[placed[np.argsort(of_row, kind="stable")]],
        np.cumsum(np.bincount(of_row))[:-1],
    )
    for level, name, leaks, where in across_splits(inside):
        groups = [rows[i].tolist() for i in np.flatnonzero(leaks)]
        named = [
            f"{names[i]}: {len(rows[i]):,} rows, the first is row {rows[i][0]}"
            for i in np.flatnonzero(leaks)
        ]
        what = f"identities in {where}"
        advice = "put all rows of an identity into one split"
        yield Finding(
            level,
            f"identity_{name}",
            len(groups),
            what,
            advice,
            named,
            sorted(chain(*groups)),
            groups,
        )


def across_splits(inside: np.ndarray) -> Iterator[tuple[Level, str, np.ndarray, str]]:
    """Which groups of rows stand in several splits, and how bad that is.

    Args:
        inside: Whether a group has a row in train, validation and test, shape (groups, 3).

    Yields:
        Level, key, mask of shape (groups,), and where they are; only kinds that occur.
    """
    train, validation, test = inside.T
    kinds: tuple[tuple[Level, str, np.ndarray, str], ...] = (
        ("error", "across_test", test & (train | validation),
         "training or validation and in test: test scores would be too good"),
        ("warning", "across_validation", train & validation & ~test,
         "training and in validation: validation scores will be too good"),
    )  # fmt: skip
    yield from (kind for kind in kinds if kind[2].any())

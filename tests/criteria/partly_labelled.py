"""Images that know some attributes only."""

import numpy as np
import torch

from modular_cls.criteria import JointLikelihood
from modular_cls.data.manifest import Manifest
from modular_cls.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "attributes": {
            "hair": ["short", "medium", "long"],
            "gender": ["female", "male"],
            "hat": ["no", "yes"],
        },
        "composites": {"all": {"attributes": ["hair", "gender", "hat"]}},
    }
)
JOINT = SCHEMA.joints[0]
PAIR = Schema.from_dict(
    {
        "attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
        "composites": {"both": {"attributes": ["hair", "gender"]}},
    }
)


def manifest(labels, schema=SCHEMA):
    n = len(labels)
    return Manifest(schema, None, np.array([f"{i}" for i in range(n)], object), np.zeros(n, np.int8),
                    np.array(labels, np.int16), np.arange(n) + 2)  # fmt: skip


def built(labels, schema=SCHEMA, **given):
    rows = manifest(labels, schema)
    counts = {j.name: torch.from_numpy(rows.counts(j)) for j in schema.joints}
    observed = {j.name: torch.from_numpy(rows.observed(j)) for j in schema.joints}
    return JointLikelihood(schema, counts, observed, **given)


def targets(labels, schema=SCHEMA):
    labels = torch.tensor(labels)
    whole = torch.from_numpy(manifest(labels.tolist(), schema).targets(schema.joints[0]))
    return {
        schema.joints[0].name: whole,
        **{a.name: labels[:, i] for i, a in enumerate(schema.attributes)},
    }

"""Invented run folders: their metrics come from random confusion matrices by the real `summarise`."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from modular_cls import load_config
from modular_cls.schema import Schema
from modular_cls.training.metrics import summarise

ROOT = Path(__file__).parent.parent.parent
SCHEMA = {
    "attributes": {
        "hair length": ["short", "long"],
        "gender": ["female", "male"],
        "age": ["young", "old"],
    },
    "composites": {
        "hair_gender": {
            "attributes": ["hair length", "gender"],
            "names": {"long_haired_man": {"hair length": "long", "gender": "male"}},
        },
    },
}
RARE = {"hair length": "long", "gender": "male"}


class RunWriter:
    """Writes run folders under a root; `skill` is the chance to get a label right."""

    def __init__(self, root, schema=SCHEMA, images=20):
        self.root, self.spec, self.images = root, schema, images
        self.base = load_config(ROOT / "configs" / "flat.yaml").to_dict()

    def __call__(
        self, method="modular", keep=0, seed=0, skill=0.9, rare_skill=0.8, model=None, **changes
    ):
        model = model or ("FlatClassifier" if method.startswith("flat") else "ModularClassifier")
        self.rare = changes.pop("rare", RARE)
        config = self.config(method, keep, seed, model, not changes.pop("trial", False))
        folder = self.root / changes.pop(
            "folder", f"{method}_k{'all' if keep is None else keep}_seed{seed}"
        )
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        rng = np.random.default_rng(
            [seed, len(method), *method.encode(), keep if isinstance(keep, int) else 999]
        )
        table = self.predict(rng, skill, rare_skill)
        test = self.metrics(table)
        metrics = {
            "method": method, "seed": seed, "keep": keep, "train_images": 100, "trainable_parameters": 1000 + len(method),
            "updates": 10, "seconds": 1.5, "test": test, "validation": test, "finish": {}, "model": model,
            "learning_rate": 0.002, "trials": 3, "train_list": f"{keep}-{seed}",
        } | changes  # fmt: skip
        if metrics.get("undefined"):
            metrics["test"] = {}
        else:
            self.write_predictions(folder / "predictions.csv", table)
        (folder / "metrics.json").write_text(json.dumps(metrics))
        return folder

    def config(self, method, keep, seed, model, test):
        data = self.base["data"] | {"manifest": str(self.root / "images" / "manifest.csv")}
        data["test"] = test
        keeps = keep if isinstance(keep, list) else [keep]
        data["scarcity"] = [{"joint_class": self.rare, "keep": k} for k in keeps]
        changes = {
            "method": method,
            "seed": seed,
            "schema": self.spec,
            "data": data,
            "model": {"name": model},
        }
        return self.base | changes

    def predict(self, rng, skill, rare_skill):
        """True and predicted value index of each output, by name, for every test image."""
        schema = Schema.from_dict(self.spec)
        labels = {
            a.name: rng.integers(len(a.values), size=8 * self.images) for a in schema.attributes
        }
        labels |= {
            n: np.arange(8 * self.images) // d % 2 for n, d in (("hair length", 1), ("gender", 2))
        }
        places = {a.name: a.values.index(self.rare[a.name]) for a in schema.attributes[:2]}
        rare = np.all([labels[name] == place for name, place in places.items()], axis=0)
        chance = np.where(rare, rare_skill, skill)
        table = {}
        for o in schema.outputs:
            cells = {cell: z for z, cell in enumerate(o.cells)}
            true = np.array(
                [cells[c] for c in zip(*(labels[a.name] for a in o.attributes), strict=True)]
            )
            right = rng.random(len(true)) < (chance if len(o.attributes) > 1 else 0.95)
            table[o.name] = (
                true,
                np.where(right, true, (true + rng.integers(1, o.size, len(true))) % o.size),
            )
        return table

    def metrics(self, table):
        schema, found = Schema.from_dict(self.spec), {}
        for o in schema.outputs:
            confusion = torch.zeros(o.size, o.size, dtype=torch.long)
            for true, predicted in zip(*table[o.name], strict=True):
                confusion[true, predicted] += 1
            rare = o.contains(self.rare) if o in schema.composites else None
            found[o.name] = summarise(confusion, o, rare)
        return found

    def write_predictions(self, file, table):
        schema = Schema.from_dict(self.spec)
        names = {o.name: o.class_names for o in schema.outputs}
        rng, given = np.random.default_rng(len(file.parent.name)), {}
        for c in schema.composites:
            true, predicted = table[c.name]
            for a in c.attributes:  # some misses are mended
                mended = rng.random(len(true)) < 0.4
                given[f"{c.name}:given:{a.name}"] = [
                    c.class_names[z] for z in np.where(mended, true, predicted)
                ]
        with file.open("w", newline="") as opened:
            writer = csv.writer(opened)
            writer.writerow(["path", *(c for n in names for c in (n, f"{n}:predicted")), *given])
            for i in range(8 * self.images):
                writer.writerow(
                    [
                        f"{i}.png",
                        *(names[n][side[i]] for n in names for side in table[n]),
                        *(column[i] for column in given.values()),
                    ]
                )


@pytest.fixture
def write_run(tmp_path):
    return RunWriter(tmp_path / "study")

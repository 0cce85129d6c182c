"""modular_cls: joint classes from basic attribute classifiers on one shared backbone.

The names below load what they need when first used, so that importing the package is instant.
"""

import importlib
from typing import Any

__version__ = "0.2.0"

_HOMES = {
    "AttributeDataModule": "data.datamodule",
    "AttributeTask": "training.task",
    "ComposedClassifier": "training.estimator",
    "Config": "config",
    "FlatClassifier": "models",
    "Manifest": "data.manifest",
    "ModularClassifier": "models",
    "Predictor": "predict.predictor",
    "Run": "runs.folder",
    "Schema": "schema",
    "apply_scarcity": "data.scarcity",
    "load_config": "training.reading",
    "run_study": "study.study",
    "train": "training.train",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'modular_cls' has no attribute {name!r}")
    return getattr(importlib.import_module(f"modular_cls.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

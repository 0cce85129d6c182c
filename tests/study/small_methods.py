"""Methods to tune, with two values of their knobs."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
OTHER = {"hair": "short", "gender": "female"}  # not the class that is rare in the configurations
KNOBS = {
    "flat": None,
    "flat_logit_adjusted": {"key": "criterion.tau", "values": [0.5, 1]},
    "flat_retrained": {"key": "finish.RetrainClassifier.l2", "values": [2.5e-4, 0.25]},
}


def write(path, content):
    """A YAML file, and where it is."""
    path.write_text(yaml.safe_dump(content))
    return str(path)


def method(folder, name, **changes):
    """That of configs/ with its knob, as a file of its own."""
    base = str(ROOT / f"configs/{name}.yaml")
    return write(folder / f"{name}.yaml", {"base": base, "knob": KNOBS.get(name)} | changes)

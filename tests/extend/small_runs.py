"""What the tests of extend share."""

import yaml

from modular_cls import Predictor
from modular_cls.cli import main

ATTRIBUTES = {"hair": ["short", "long"], "gender": ["female", "male"], "glasses": ["no", "yes"]}
WHOLE = {"hair_gender_glasses": {"attributes": ["hair", "gender", "glasses"]}}
NIGHT = {"attributes": {"night": ["no", "yes"]}}


def composites(**attributes):
    return {name: {"attributes": list(of)} for name, of in attributes.items()}


def extend(run, more, out, *flags):
    file = out.parent / "more.yaml"
    file.write_text(more if isinstance(more, str) else yaml.safe_dump(more, sort_keys=False))
    return main(["extend", str(run), "--config", str(file), "--out", str(out), *flags])


def probabilities(run, faces, outputs):
    predictor = Predictor.load(run)
    found = predictor(sorted((faces / "test").glob("*.png"))[::5]).probabilities
    return {name: found[name] for name in outputs}

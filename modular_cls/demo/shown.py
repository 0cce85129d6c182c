"""What the page shows: pictures of the run's test split, and what runs say about one."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch

from modular_cls.config import Config
from modular_cls.data.images import decode_image, read_image
from modular_cls.demo.gradcam import glance, map_places
from modular_cls.demo.places import NoPlacesError, Places, find_places
from modular_cls.errors import ConfigError, ModularClsError
from modular_cls.export.folder import MARKER
from modular_cls.export.read import is_export
from modular_cls.predict.assumptions import Given
from modular_cls.predict.predictor import Predictor
from modular_cls.runs.score_table import calibration
from modular_cls.runs.weights import read_json
from modular_cls.schema import Schema

_EXAMPLES = 8
MAX_PIXELS = 25_000_000  # of a picture that is sent: each takes 100 MB while it is looked at


class Example(NamedTuple):
    """A picture to try.

    Attributes:
        label: Its joint class.
        png: The picture.
    """

    label: str
    png: bytes


@dataclass(frozen=True)
class Shown:
    """One run on the page.

    Attributes:
        name: How it is called there.
        predictor: The classifier.
        places: The layer that maps are made of; None without one.
        why_no_maps: Why there is none; blank where there is.
        calibration: How far its probabilities were off on its test pictures, by composite.
    """

    name: str
    predictor: Predictor
    places: Places | None = None
    why_no_maps: str = ""
    calibration: dict[str, dict[str, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> "Shown":
        """A run or an export; raises ConfigError if the folder is neither."""
        name, predictor = folder.resolve().name, Predictor.load(folder)
        try:
            places = find_places(predictor.model.backbone, predictor.pixels.size)
        except NoPlacesError as error:
            why = f"no map for this network: {error}"
            return cls(name, predictor, why_no_maps=why, calibration=_calibration(folder))
        return cls(name, predictor, places, calibration=_calibration(folder))

    def answer(self, picture: bytes, evidence: Given, threads: int = 1) -> dict[str, Any]:
        """Look at a picture.

        Args:
            picture: Bytes of a picture file.
            evidence: What else is known of it; see `Predictor`.
            threads: How many of torch's compute; where others compute too, two that wait for each
                other on a busy machine take many times as long as one.

        Returns:
            For JSON: `picture`, what the network was shown, as a data URL; `probabilities` of each
            output, by class in order; `maps`, by output the class that the picture alone makes most
            probable and where it does (`map_places`), or else `why_no_maps`.

        Raises:
            ImageError: If it is no picture.
            ConfigError: If what is given does not fit the schema.
        """
        scale = self.predictor.pixels
        pixels = decode_image(
            picture, "this picture", scale.size, None, scale.range, MAX_PIXELS, scale.fit
        )
        plain, posterior = self.predictor.terms(), self.predictor.terms(given=evidence)
        image = self.predictor.prepare(pixels)[None]
        torch.set_num_threads(threads)  # of this thread of the server's
        seen = glance(self.predictor.model, image, self.places)
        shares = self.predictor.predict_features(seen.features.detach(), *posterior)
        alone = self.predictor.predict_features(seen.features.detach(), *plain)
        classes = {name: int(p[0].argmax()) for name, p in alone.items()}
        maps = map_places(self.predictor.model, seen, classes)
        return {
            "name": self.name,
            "picture": "data:image/png;base64," + base64.b64encode(_png(pixels)).decode(),
            "probabilities": {name: p[0].tolist() for name, p in shares.items()},
            "maps": {
                name: {"class": classes[name], "values": _short(m)} for name, m in maps.items()
            },
            "why_no_maps": self.why_no_maps,
        }


def load_runs(folders: Sequence[Path]) -> list[Shown]:
    """Load the runs of a page.

    Raises:
        ConfigError: If a folder is not a finished run, or the runs do not share their schema.
    """
    runs = [Shown.of(folder) for folder in folders]
    first = runs[0].predictor.schema
    for folder, run in zip(folders, runs, strict=True):
        if run.predictor.schema != first:
            raise ConfigError(
                f"{folder} has another schema than {folders[0]}; runs shown beside each other need "
                f"the same attributes and composites: {first.to_dict()}; found "
                f"{run.predictor.schema.to_dict()}"
            )
    for run in runs:
        if run.why_no_maps:
            print(f"  {run.name}: {run.why_no_maps}")
    return runs


def examples(folder: Path) -> list[Example]:
    """Some pictures of a run's test split, joint classes in turn.

    None if its manifest or they are gone.
    """
    if not (folder / "config.yaml").is_file():  # an export has none
        return []
    from modular_cls.parsing import parse_files  # an export needs none of it

    try:
        return _examples(parse_files(folder / "config.yaml"))
    except (ModularClsError, OSError):
        return []


def _examples(config: Config) -> list[Example]:
    from modular_cls.data.datamodule import read_manifest  # which needs Lightning

    test = read_manifest(Schema.from_dict(config.schema), config.data).split("test")
    composite = test.schema.first
    targets = test.targets(composite)
    by_class = [
        np.flatnonzero(targets == z)[: _EXAMPLES // composite.size + 1]
        for z in range(composite.size)
    ]
    turns = [rows[turn] for turn in range(_EXAMPLES) for rows in by_class if turn < len(rows)]
    return [
        Example(
            composite.class_names[targets[i]],
            _png(read_image(test.file(i), test.named(i), None, test.box(i), config.data.range)),
        )
        for i in turns[:_EXAMPLES]
    ]


def _calibration(folder: Path) -> dict[str, dict[str, float]]:
    """As the run was tested; empty where it was not, or an export does not tell."""
    if is_export(folder):
        return (read_json(folder / MARKER).get("run") or {}).get("calibration") or {}
    from modular_cls.runs.folder import read_marker  # an export needs none of it

    return calibration(read_marker(folder)["test"])


def _short(values: np.ndarray) -> list[list[float]]:
    return values.astype(float).round(3).tolist()


def _png(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()

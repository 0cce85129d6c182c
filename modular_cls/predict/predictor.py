"""A trained classifier for use: pictures in, probabilities of every output and embeddings out.

It can be pickled, so that a pool of processes, Ray Data or Spark can carry it.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from modular_cls.data.images import convert_image, read_image
from modular_cls.data.preparation import Pixels
from modular_cls.errors import ConfigError, ImageError, require
from modular_cls.export.folder import MARKER
from modular_cls.export.read import is_export, read_export
from modular_cls.export.runtime import GraphNetwork
from modular_cls.features.kept import KeptFeatures
from modular_cls.files import put_back
from modular_cls.models.frozen_weights import digest_of
from modular_cls.models.joint_classifier import JointClassifier
from modular_cls.predict.assumptions import Given, Prior, assume
from modular_cls.predict.predictions import Predictions
from modular_cls.schema import Schema

Picture = str | Path | Image.Image | np.ndarray
_PICTURE = "A picture is a path, one of Pillow, or an array of uint8, (H, W, 3) or (H, W)"


class Predictor:
    """A trained classifier with the preparation of pictures that belongs to it.

    Args:
        model: The classifier.
        pixels: Size and scale of the pictures it was trained on.
        counts: Training images of each joint class, by joint space, for the prior `training`; None
            where unknown.

    Example:
        >>> from modular_cls import ModularClassifier, Predictor, Schema
        >>> from modular_cls.config import Backbone
        >>> schema = Schema.from_dict({"attributes": {"hair": ["short", "long"]}})
        >>> model = ModularClassifier(schema, Backbone("test_resnet"))  # or Predictor.load(folder)
        >>> predictor = Predictor(model, Pixels((32, 32), (0.5, 0.5, 0.5), (0.2, 0.2, 0.2)))
        >>> picture = np.zeros((40, 30, 3), np.uint8)
        >>> answers = predictor([picture, picture], given={"hair": "long"})
        >>> answers.names("hair"), answers.probabilities["hair"].tolist()
        (['long', 'long'], [[0.0, 1.0], [0.0, 1.0]])
    """

    def __init__(
        self,
        model: JointClassifier,
        pixels: Pixels,
        counts: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        self.model, self.pixels, self.counts = model.eval(), pixels, counts

    @classmethod
    def load(cls, folder: str | Path, graph: bool = False) -> "Predictor":
        """Load a run folder or an export.

        The folder of an export may come from a hub, with symbolic links in it.

        Args:
            folder: The folder.
            graph: Of an export: pass pictures through `model.onnx` in ONNX Runtime (CPU).

        Raises:
            ConfigError: If the folder is neither, or its files are damaged or do not fit together.
        """
        folder = Path(folder)
        put_back(folder)
        if is_export(folder):
            exported = read_export(folder, graph)
            _check_weights(folder, exported.model)
            return cls(exported.model, exported.pixels, exported.counts)
        # Only a run needs these, and pandas with them.
        from modular_cls.runs.folder import MARKER as RUN_MARKER
        from modular_cls.runs.folder import Run

        if not any((folder / name).is_file() for name in ("config.yaml", RUN_MARKER)):
            raise ConfigError(
                f"{folder} is neither a run (it holds no {RUN_MARKER}) nor an export (no {MARKER})"
            )
        run = Run.load(folder)
        _check_weights(folder, run.model)
        return cls(run.model, Pixels.of(run.config.data), run.metrics.get("train_counts"))

    @property
    def schema(self) -> Schema:
        """Attributes and composites."""
        return self.model.schema

    def to(self, device: str | torch.device) -> "Predictor":
        """Move the network to a device; returns this predictor."""
        self.model.to(device)
        return self

    def kept_features(self) -> KeptFeatures | None:
        """The features that trainings on the same frozen network keep; None for other networks."""
        network = self.model.backbone
        if not self.model.frozen or isinstance(network, (torch.nn.Identity, GraphNetwork)):
            return None
        return KeptFeatures(self.pixels, digest_of(network))

    @property
    def _device(self) -> torch.device:
        return next(self.model.parameters()).device

    def prepare(self, picture: Picture) -> Tensor:
        """A picture -> (3, H, W), float32: decoded safely, resized and scaled as in training.

        Args:
            picture: A path, a picture of Pillow, or an array (H, W, 3) or (H, W), uint8, RGB or
                grey.

        Raises:
            ImageError: If it cannot be decoded, or the array has another shape or type.
        """
        size, depth, fit = self.pixels.size, self.pixels.range, self.pixels.fit
        if isinstance(picture, (str, Path)):
            return self.pixels(read_image(Path(picture), str(picture), size, depth=depth, fit=fit))
        if isinstance(picture, np.ndarray):
            fits = picture.ndim > 1 and picture.shape[2:] in ((), (3,)) and picture.size > 0
            if picture.dtype != np.uint8 or not fits:
                raise ImageError(
                    "an array must be uint8 of shape (H, W, 3) or (H, W); it is "
                    f"{picture.dtype} of {picture.shape}"
                )
            picture = Image.fromarray(picture)
        if not isinstance(picture, Image.Image):
            kind = type(picture).__name__
            raise ImageError(f"{_PICTURE}; it is a {kind}")
        return self.pixels(convert_image(picture, "the picture", size, depth=depth, fit=fit))

    def __call__(
        self,
        pictures: Sequence[Picture],
        prior: Prior = None,
        given: Given | None = None,
        batch_size: int = 64,
    ) -> Predictions:
        """Predict some pictures.

        Args:
            pictures: Paths, pictures of Pillow, or arrays; see `prepare`.
            prior: Share of each joint class expected among them: uniform, that of the training
                images, or shares by class name (the others share what is left); default as in
                training's configuration.
            given: What is known of them beside their pixels, by attribute: a value that is certain,
                or the probability of each value relative to that expected.
            batch_size: Pictures that pass the network at once.

        Raises:
            ImageError: If a picture cannot be decoded.
            ConfigError: If the prior or what is given does not fit the schema.
        """
        pictures = _listed(pictures)
        require(batch_size >= 1, "batch_size", batch_size, "at least 1")
        log_priors, evidence = self.terms(prior, given)
        parts = [pictures[i : i + batch_size] for i in range(0, len(pictures), batch_size)]
        outputs = self.schema.outputs
        prepared = (torch.stack(list(map(self.prepare, part))) for part in parts)
        done = [self.predict_batch(batch, log_priors, evidence) for batch in prepared]
        if not done:
            return Predictions(
                self.schema,
                {o.name: np.zeros((0, o.size), np.float32) for o in outputs},
                np.zeros((0, self.model.width), np.float32),
            )
        shares, features = zip(*done, strict=True)
        probabilities = {}
        for o in outputs:
            probabilities[o.name] = np.concatenate([share[o.name] for share in shares])
        return Predictions(self.schema, probabilities, np.concatenate(features))

    def terms(
        self, prior: Prior = None, given: Given | None = None
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """What is expected and what is known, as log priors by joint space and by attribute.

        Raises ConfigError where they do not fit; see `__call__`.
        """
        return assume(self.model, self.counts, prior, given or {})

    def predict_decoded(
        self,
        images: Sequence[np.ndarray],
        log_priors: Mapping[str, Tensor],
        evidence: Mapping[str, Tensor],
    ) -> Predictions:
        """Predict pictures (H, W, 3), uint8, that have the size trained on, in one batch.

        Features, shape (F,), may stand in the place of a picture.
        """
        fresh = [i for i, image in enumerate(images) if image.ndim > 1]
        if len(fresh) == len(images):
            if not images:
                return self([])
            prepared = self.pixels(np.stack(images))
            return Predictions(self.schema, *self.predict_batch(prepared, log_priors, evidence))
        blank = np.zeros(self.model.width, np.float32)
        features = np.stack([blank if image.ndim > 1 else image for image in images])
        if fresh:
            prepared = self.pixels(np.stack([images[i] for i in fresh]))
            features[fresh] = self.predict_batch(prepared, log_priors, evidence)[1]
        embeddings = torch.from_numpy(features).float().to(self._device)
        probabilities = self.predict_features(embeddings, log_priors, evidence)
        return Predictions(self.schema, probabilities, embeddings.cpu().numpy())

    @torch.inference_mode()
    def predict_batch(
        self, images: Tensor, log_priors: Mapping[str, Tensor], evidence: Mapping[str, Tensor]
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Prepared images (B, 3, H, W) -> probabilities by output, and features (B, F)."""
        features = self.model.extract(images.to(self._device))
        probabilities = self.predict_features(features, log_priors, evidence)
        return probabilities, features.float().cpu().numpy()

    @torch.inference_mode()
    def predict_features(
        self, features: Tensor, log_priors: Mapping[str, Tensor], evidence: Mapping[str, Tensor]
    ) -> dict[str, np.ndarray]:
        """Features (B, F) -> probabilities by output; raises ConfigError if they are not finite."""
        if not torch.isfinite(features).all():
            raise ConfigError(
                "the network's features are not finite numbers: its weights are damaged or "
                "diverged, or its data.mean and data.std are wrong"
            )
        logs = self.model.log_probabilities(self.model.score(features), log_priors, evidence)
        return {name: log.exp().float().cpu().numpy() for name, log in logs.items()}


def _listed(pictures: Sequence[Picture] | Iterable[Picture]) -> Sequence[Picture]:
    """Some pictures in a list; raises ImageError for a picture by itself."""
    alone = isinstance(pictures, (str, Path, Image.Image))
    if isinstance(pictures, np.ndarray):  # its rows would pass for grey pictures
        alone = pictures.ndim < 3 or (pictures.ndim == 3 and pictures.shape[2] == 3)
    if alone:
        raise ImageError("pictures is one picture; give a list of them, as predictor([picture])")
    if not isinstance(pictures, Iterable):
        kind = type(pictures).__name__
        raise ImageError(f"pictures is a {kind}; give a list. {_PICTURE}")
    return list(pictures)


def _check_weights(folder: Path, model: JointClassifier) -> None:
    """Refuse weights that are not finite; log priors of classes out of reach are -inf by right."""
    wrong = [
        name
        for name, value in model.named_parameters()
        if value.is_floating_point() and not torch.isfinite(value).all()
    ]
    wrong += [
        name
        for name, value in model.named_buffers()
        if value.is_floating_point() and (value.isnan() | (value == torch.inf)).any()
    ]
    if wrong:
        raise ConfigError(f"{folder}: weights are not finite numbers: {', '.join(wrong[:5])}")

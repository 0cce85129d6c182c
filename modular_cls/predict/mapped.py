"""Predicts tables of pictures batch by batch, wherever they are: dask, Ray Data, Spark.

ray:    dataset.map_batches(TablePredictor, fn_constructor_args=("exported",), compute=...)
spark:  frame.mapInPandas(predictor.frames, predictor.spark_schema)
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from modular_cls.errors import ImageError
from modular_cls.predict.assumptions import Given, Prior
from modular_cls.predict.engine import Engine, load_predictor
from modular_cls.predict.listed import Picture, listed
from modular_cls.predict.named_pictures import decode_pictures
from modular_cls.predict.predictions import Predictions
from modular_cls.predict.predictor import Predictor

if TYPE_CHECKING:
    import pandas as pd

EMBEDDING = "embedding"


class TablePredictor:
    """A function of tables: paths of pictures in, what `modular-cls predict` writes of them out.

    It pickles as its arguments. The model is loaded when first needed, once in a process however
    many of these it has.

    Args:
        model: The folder of a run or an export, seen by every worker.
        prior: As for `Predictor`.
        given: As for `Predictor`.
        root: Folder that paths are relative to and may not leave; default where a worker stands.
        batch_size: Pictures that pass the network at once.
        engine: As for `load_predictor`.
        device: As for `load_predictor`.
        embeddings: Give the features of the backbone too, in the column `embedding`.
    """

    def __init__(
        self,
        model: str | Path,
        prior: Prior = None,
        given: Given | None = None,
        root: str | Path | None = None,
        batch_size: int = 64,
        engine: Engine = "auto",
        device: str = "auto",
        embeddings: bool = False,
    ) -> None:
        self.model = str(Path(model).absolute())  # workers stand elsewhere
        self.prior, self.given = prior, given
        self.root = None if root is None else str(root)
        self.batch_size, self.embeddings = batch_size, embeddings
        self._how = (engine, device)

    @property
    def predictor(self) -> Predictor:
        """The model, of this process."""
        return _loaded(self.model, *self._how)[0]

    @property
    def engine(self) -> str:
        """What the model computes with, in words."""
        return _loaded(self.model, *self._how)[1]

    @property
    def columns(self) -> dict[str, str]:
        """The columns that are added to `path` and `box`, and their types in the words of Spark."""
        columns = {"error": "string"}
        for output in self.predictor.schema.outputs:
            columns[output.name] = "string"
            columns |= {f"{output.name}={name}": "float" for name in output.class_names}
        return columns | ({EMBEDDING: "array<float>"} if self.embeddings else {})

    @property
    def spark_schema(self) -> str:
        """The schema of `frames`, of tables without boxes."""
        named = {"path": "string"} | self.columns
        return ", ".join(f"`{name}` {kind}" for name, kind in named.items())

    def __call__(self, batch: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """Predict a table.

        Args:
            batch: Its columns `path` and, if it has one, `box`; others are left out.

        Returns:
            The same rows: path, box, error (None where there is none), then for each attribute and
            composite its most probable class and the probability of each; nan and None where the
            picture cannot be decoded.
        """
        boxes = [str(box) for box in batch["box"]] if "box" in batch else None
        return self.rows([str(path) for path in batch["path"]], boxes, self.root)

    def rows(
        self, paths: Sequence[str], boxes: Sequence[str] | None, root: str | None
    ) -> dict[str, Any]:
        """As `__call__`, for pictures under a root of their own."""
        pictures = listed(paths, boxes or [""] * len(paths), root)
        named = {"path": np.array(paths, dtype=object)}
        if boxes is not None:
            named["box"] = np.array(boxes, dtype=object)
        return named | self._predicted(pictures)

    def frames(self, frames: Iterable["pd.DataFrame"]) -> Iterator["pd.DataFrame"]:
        """As `__call__`, for data frames, as Spark's `mapInPandas` hands them over."""
        import pandas as pd

        for frame in frames:
            columns = self(
                {name: frame[name].tolist() for name in frame if name in ("path", "box")}
            )
            yield pd.DataFrame({n: c if c.ndim == 1 else list(c) for n, c in columns.items()})

    def _predicted(self, pictures: list[Picture]) -> dict[str, Any]:
        terms = self.predictor.terms(self.prior, self.given)
        looks = decode_pictures(pictures, self.predictor.pixels, self.predictor.kept_features())
        columns = self._blank(len(pictures))
        good: list[np.ndarray] = []
        places: list[int] = []
        for i, look in enumerate(looks):
            if isinstance(look.image, ImageError):
                columns["error"][i] = " ".join(str(look.image).split())
            else:
                good.append(look.image)
                places.append(i)
            if len(good) == self.batch_size:
                self._fill(columns, places, self.predictor.predict_decoded(good, *terms))
                good, places = [], []
        if good:
            self._fill(columns, places, self.predictor.predict_decoded(good, *terms))
        return columns

    def _blank(self, count: int) -> dict[str, np.ndarray]:
        """The columns of so many rows, before anything is known."""
        shapes = {"string": (count,), "float": (count,), "array<float>": (count, self._width)}
        return {
            name: np.full(shapes[kind], None if kind == "string" else np.nan, dtype=_TYPES[kind])
            for name, kind in self.columns.items()
        }

    @property
    def _width(self) -> int:
        return self.predictor.model.width

    def _fill(
        self, columns: dict[str, np.ndarray], places: list[int], predictions: Predictions
    ) -> None:
        for output in predictions.schema.outputs:
            columns[output.name][places] = predictions.names(output.name)
            for name, column in zip(
                output.class_names, predictions.probabilities[output.name].T, strict=True
            ):
                columns[f"{output.name}={name}"][places] = column
        if self.embeddings:
            columns[EMBEDDING][places] = predictions.embeddings


_TYPES = {"string": object, "float": np.float32, "array<float>": np.float32}


@lru_cache(maxsize=1)
def _loaded(model: str, engine: Engine, device: str) -> tuple[Predictor, str]:
    return load_predictor(Path(model), engine, device)

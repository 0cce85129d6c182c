"""A table of answers from anywhere -> labels, and back to the values that it was written with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets

from modular_cls.data.labels import Labels, columns_of, is_blank
from modular_cls.errors import ConfigError
from modular_cls.schema import Schema


@dataclass(frozen=True)
class Answers:
    """Labels of some images, read from a table.

    Attributes:
        labels: The labels, in a schema.
        values: Of each attribute in order, as the table wrote them.
        single: Whether the table was one column by itself.
    """

    labels: Labels
    values: list[np.ndarray]
    single: bool

    @classmethod
    def read(cls, table: Any, schema: Mapping[str, Any] | Schema | None) -> "Answers":
        """Read a table; without a schema, take the attributes and their values from it.

        Raises:
            ModularClsError: If the table does not fit the schema, or has a column of one value.
        """
        single = _is_single(table)
        if schema is None:
            columns = {"y": columns_of(table)["output_0"]} if single else columns_of(table)
            values = {name: _values(name, column) for name, column in columns.items()}
            made = _schema_of(values)
            return cls(Labels.read(columns, made), list(values.values()), single)
        declared = schema if isinstance(schema, Schema) else Schema.from_dict(schema)
        named = [np.array(a.values, dtype=object) for a in declared.attributes]
        return cls(Labels.read(table, declared), named, single)

    def written(self, codes: list[np.ndarray]) -> np.ndarray:
        """Places of values, by attribute -> values, shape (N, attributes); (N,) where single."""
        columns = [v[c] for v, c in zip(self.values, codes, strict=True)]
        same = len({column.dtype.kind for column in columns}) == 1
        table = np.stack(columns if same else [c.astype(object) for c in columns], axis=1)
        return table[:, 0] if self.single else table


def _is_single(table: Any) -> bool:
    if hasattr(table, "columns") or isinstance(table, Mapping):
        return False
    columns_of(table)  # tells what is wrong with it
    return np.asarray(table, dtype=object).ndim == 1


def _values(name: str, column: np.ndarray) -> np.ndarray:
    """The values of a column, sorted, of the type that they have there."""
    known = np.array([v for v in column.tolist() if not is_blank(v)])
    if known.dtype.kind == "f":
        assert_all_finite(known, input_name="y")
    if known.dtype.kind in "iuf":
        check_classification_targets(known)
    values = np.unique(known)
    if len(values) < 2:
        number = f"one class only ({values[0]})" if len(values) else "no known value"
        raise ConfigError(f"y, column {name}, has {number}; it needs two, or give the schema")
    return values.astype(object) if values.dtype.kind == "U" else values


def _schema_of(values: Mapping[str, np.ndarray]) -> Schema:
    """A schema whose one composite is made of all attributes."""
    names = list(values)
    attributes = {name: list(map(str, column.tolist())) for name, column in values.items()}
    whole = "_".join(names) if len(names) > 1 else f"{names[0]}_class"
    return Schema.from_dict(
        {"attributes": attributes, "composites": {whole: {"attributes": names}}}
    )

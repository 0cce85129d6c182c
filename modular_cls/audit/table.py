"""A manifest read so that all of it can be judged, also where training would refuse it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from modular_cls.audit.findings import SHOWN, Finding
from modular_cls.config import Config, expand
from modular_cls.data.manifest import SPLITS, UNKNOWN, Manifest
from modular_cls.data.table_cells import index_of, is_unknown, likeness, meaning
from modular_cls.data.text_table import read_table
from modular_cls.errors import ConfigError, ManifestError, group_alike
from modular_cls.schema import MAX_JOINT_CLASSES, RESERVED, Attribute, Composite, Schema

_MOST_VALUES = 20  # a column with more of them is no attribute, if none is named


@dataclass(frozen=True)
class Reading:
    """A table as training reads it or, if it does not, as it can be.

    With misfits as unknown, spelling put right.
    """

    manifest: Manifest
    schema_from_table: bool
    findings: list[Finding]


def read_leniently(config: Config) -> Reading:
    """Read the manifest of a configuration; with an empty schema the table's columns make one.

    Raises:
        ManifestError: If the file is missing or not a table.
        ConfigError: If no schema is given and no column looks like an attribute.
        SchemaError: If the schema does not fit together.
    """
    data = config.data
    path = expand(data.manifest, data.about)
    root = expand(data.root, data.about) if data.root else path.parent
    findings: list[Finding] = []
    table = read_table(path)
    if config.schema:
        schema = Schema.from_dict(config.schema)
        findings += _alike(schema)
    else:
        schema, finding = _schema_of(table, path)
        findings.append(finding)
    findings += _spellings(table, schema)
    try:
        manifest = Manifest.of_table(path, table, schema, root, contained=not data.allow_outside)
    except ManifestError as error:
        columns = {"split": SPLITS, **{a.name: a.values for a in schema.attributes}}
        manifest = _lenient(table, schema, root, columns, contained=not data.allow_outside)
        findings += [_refused(error), *_unfit(table, columns)]
    return Reading(manifest, not config.schema, findings)


def _lenient(
    table: pd.DataFrame,
    schema: Schema,
    root: Path,
    columns: Mapping[str, Sequence[str]],
    contained: bool,
) -> Manifest:
    codes = {name: _codes(_column(table, name), values) for name, values in columns.items()}
    return Manifest(
        schema=schema,
        root=root,
        paths=_column(table, "path").to_numpy(dtype=object),
        splits=codes["split"].astype(np.int8),
        labels=np.stack([codes[a.name] for a in schema.attributes], axis=1),
        rows=table.index.to_numpy(),
        extra={
            c: table[c].to_numpy(dtype=object)
            for c in ("source", "identity", "box")
            if c in table.columns
        },
        contained=contained,
    )


def _column(table: pd.DataFrame, name: str) -> "pd.Series[str]":
    return table[name] if name in table.columns else pd.Series("", index=table.index, dtype=object)


def _folded(text: str) -> str:
    """Without case and spaces, by which no two values may differ alone."""
    return "".join(text.split()).casefold()


def _codes(column: "pd.Series[str]", values: Sequence[str]) -> np.ndarray:
    """Index of each row's value, shape (N,), int16; -1 where it is blank or does not fit."""
    # Reversed: of values that look alike the first one is meant.
    alike = {likeness(v): i for i, v in reversed(list(enumerate(values)))}
    codes = {}
    for cell in column.unique():
        index = index_of(cell, values)
        codes[cell] = alike.get(likeness(cell), UNKNOWN) if index is None else index
    return column.map(codes).to_numpy(dtype=np.int16)


def _refused(error: ManifestError) -> Finding:
    """What training says of the table."""
    what = "places of the table that do not fit: training refuses it, with these words"
    advice = "correct them, or the schema of the configuration"
    problems, kinds = error.problems, group_alike(error.problems)
    return Finding("error", "table", len(problems), what, advice, problems, kinds=kinds)


def _unfit(table: pd.DataFrame, columns: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Values that are not accepted, each once; apart from them those that look like one."""
    examples: tuple[list[str], list[str]] = [], []
    rows: tuple[list[int], list[int]] = [], []
    for name, values in columns.items():
        column = _column(table, name)
        blank = name != "split"
        fits = {
            cell: index_of(cell, values) is not None or (blank and not meaning(cell))
            for cell in column.unique()
        }
        bad = column[~column.map(fits).astype(bool)]
        meant = {likeness(v): v for v in reversed(values)}
        misspelt = bad.map({v: likeness(v) in meant for v in bad.unique()}).astype(bool)
        for kind, cells in enumerate((bad[misspelt], bad[~misspelt])):
            rows[kind].extend(cells.index.tolist())
            examples[kind].extend(_counted(name, cells, meant if kind == 0 else {}))
    if examples[0]:
        what = (
            "values spelt in another way (case, blanks, hyphens, 1 for yes), which makes them "
            "other values (here they count as what is meant)"
        )
        advice = "write each value in one way"
        yield Finding("error", "spelling", len(rows[0]), what, advice, examples[0], sorted(rows[0]))
    if examples[1]:
        what = "values that are not accepted (here they count as unknown)"
        advice = "correct them, leave them blank if they are unknown, or add them to the schema"
        yield Finding("error", "value", len(rows[1]), what, advice, examples[1], sorted(rows[1]))


def _counted(name: str, cells: "pd.Series[str]", meant: Mapping[str, str]) -> Iterator[str]:
    first = {str(v): row for row, v in cells[~cells.duplicated()].items()}
    for value, count in cells.value_counts().head(SHOWN).items():
        instead = f" for {meant[likeness(str(value))]!r}" if meant else ""
        word = " (a word for unknown)" if not meant and is_unknown(str(value)) else ""
        yield (
            f"column {name}: {value!r}{instead}{word}, {count:,} rows, the first is row "
            f"{first[str(value)]}"
        )


def _spellings(table: pd.DataFrame, schema: Schema) -> Iterator[Finding]:
    """Values written in several ways that mean the same, as 1 and 1.0 do."""
    examples = []
    for attribute in schema.attributes:
        counts = _column(table, attribute.name).value_counts()
        for value in attribute.values:
            cells = [str(cell) for cell in counts.index if meaning(str(cell)) == meaning(value)]
            if len(cells) > 1:
                written = ", ".join(f"{cell!r} {counts[cell]:,}" for cell in sorted(cells))
                examples.append(f"column {attribute.name}: {value!r} is written {written}")
    if examples:
        what = "values written in several ways that mean the same: they are read as one"
        advice = "nothing, if that is what you mean"
        yield Finding("note", "spellings", len(examples), what, advice, examples)


def _alike(schema: Schema) -> Iterator[Finding]:
    """Names within the schema that nobody tells apart."""
    named: dict[str, Sequence[str]] = {f"attribute {a.name}": a.values for a in schema.attributes}
    named |= {
        f"composite {c.name}": c.class_names
        for c in schema.composites
        if c.size <= MAX_JOINT_CLASSES
    }
    examples = []
    for where, names in named.items():
        first: dict[str, str] = {}
        key = likeness if where.startswith("attribute ") else _folded
        for name in names:
            if (other := first.setdefault(key(name), name)) != name:
                examples.append(f"{where}: {name!r} beside {other!r}")
    if examples:
        what = "names of the schema that look like another: by case, blanks or hyphens only"
        yield Finding("error", "schema_spelling", len(examples), what, "keep one of each", examples)


def _schema_of(table: pd.DataFrame, path: Path) -> tuple[Schema, Finding]:
    """Take every column of a few different values as an attribute, and one composite over them."""
    attributes, ignored = [], []
    for name in [c for c in table.columns if c not in RESERVED]:
        values = _values_of(table[name])
        if 2 <= len(values) <= _MOST_VALUES and "*" not in name:
            attributes.append(Attribute(name, values))
        else:
            ignored.append(f"column {name}: {len(values)} different values")
    if not attributes:
        raise ConfigError(
            f"{path}: no column has 2 to {_MOST_VALUES} different values, so none is taken for an "
            "attribute; give --config with a schema "
            f"({'; '.join(ignored) or 'there is no column beside those of every manifest'})"
        )
    composed: list[Attribute] = []
    for attribute in attributes:
        if Composite("", (*composed, attribute)).size <= MAX_JOINT_CLASSES:
            composed.append(attribute)
    name = "_".join(a.name for a in composed)
    while name in [a.name for a in attributes]:
        name += "_class"
    composite = Composite(name, tuple(composed))
    what = (
        f"attributes read off the table, for no schema was given; composite {composite.name} makes "
        f"{composite.size} joint classes of {', '.join(a.name for a in composed)}"
    )
    advice = "check them against what you mean, or give --config FILE with a schema"
    said = [f"attribute {a.name}: {', '.join(a.values)}" for a in attributes] + ignored
    note = Finding("note", "schema_from_table", len(attributes), what, advice, said)
    return Schema(tuple(attributes), (composite,)), note


def _values_of(column: "pd.Series[str]") -> tuple[str, ...]:
    """The different values in order, each in its most frequent spelling; no words for unknown."""
    counts = {str(v): int(n) for v, n in column.value_counts().items() if not is_unknown(str(v))}
    spelt: dict[str, str] = {}
    for value in sorted(counts, key=lambda v: (-counts[v], v)):
        spelt.setdefault(likeness(value), value)
    return tuple(sorted(spelt.values()))

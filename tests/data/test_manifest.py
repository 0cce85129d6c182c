"""Manifests: written and read, and every way in which a table can be wrong."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.data.manifest import SPLITS, UNKNOWN, Manifest
from modular_cls.errors import ManifestError, SchemaError
from modular_cls.schema import Schema
from tests.data.small_tables import HEADER, PLAIN, read, refusal, write

SCHEMA = Schema.from_dict(
    {
        "attributes": {"hår": ["kurz, glatt", "läng", 'sehr "läng"'], "gender": ["女", "男"]},
        "composites": {"both": {"attributes": ["gender", "hår"]}},
    }
)
TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\\:"), max_size=8
)
PATHS = TEXT.filter(lambda t: t and ".." not in t)


@st.composite
def manifests(draw, schema=SCHEMA):
    paths = draw(st.lists(PATHS, min_size=1, max_size=12, unique=True))
    n = len(paths)
    column = {
        a.name: st.lists(st.integers(UNKNOWN, len(a.values) - 1), min_size=n, max_size=n)
        for a in schema.attributes
    }
    extra = draw(st.sets(st.sampled_from(["source", "identity"])))
    return Manifest(
        schema=schema,
        root=Path("root"),
        paths=np.array(paths, dtype=object),
        splits=np.array(draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)), dtype=np.int8),
        labels=np.stack([draw(values) for values in column.values()], axis=1).astype(np.int16),
        rows=np.arange(n) + 2,
        extra={
            c: np.array(draw(st.lists(TEXT, min_size=n, max_size=n)), dtype=object)
            for c in sorted(extra)
        },
    )


@given(manifests())
def test_round_trip(tmp_path_factory, manifest):
    path = tmp_path_factory.mktemp("round") / "m.csv"
    manifest.write(path)
    back = Manifest.read(path, SCHEMA, "root")
    for name in ("paths", "splits", "labels", "rows"):
        np.testing.assert_array_equal(getattr(back, name), getattr(manifest, name))
        assert getattr(back, name).dtype == getattr(manifest, name).dtype
    assert {n: v.tolist() for n, v in back.extra.items()} == {
        n: v.tolist() for n, v in manifest.extra.items()
    }
    assert (back.schema, back.root) == (manifest.schema, manifest.root)


@given(manifests())
def test_targets_and_counts_against_loops(manifest):
    for composite in (*SCHEMA.outputs, *SCHEMA.joints):
        expected = []
        for row in manifest.labels:
            known = {a.name: int(v) for a, v in zip(SCHEMA.attributes, row, strict=True)}
            cell = tuple(known[a.name] for a in composite.attributes)
            expected.append(UNKNOWN if UNKNOWN in cell else composite.cells.index(cell))
        assert manifest.targets(composite).tolist() == expected
        assert manifest.counts(composite).tolist() == [
            expected.count(z) for z in range(composite.size)
        ]


@given(manifests(), st.data())
def test_select_split_and_matches(manifest, data):
    for s, name in enumerate(SPLITS):
        assert manifest.split(name).rows.tolist() == [
            r for r, found in zip(manifest.rows, manifest.splits, strict=True) if found == s
        ]
    values = {
        a.name: data.draw(st.sampled_from(a.values))
        for a in SCHEMA.attributes[: data.draw(st.integers(0, 2))]
    }
    mask = manifest.matches(values)
    for has, row in zip(mask, manifest.labels, strict=True):
        known = {
            a.name: a.values[i] for a, i in zip(SCHEMA.attributes, row, strict=True) if i != UNKNOWN
        }
        assert has == all(known.get(name) == value for name, value in values.items())
    part = manifest.select(mask)
    assert part.paths.tolist() == manifest.paths[mask].tolist()
    assert all(len(column) == mask.sum() for column in part.extra.values())


def test_unknown_split():
    manifest = Manifest(PLAIN, Path(), *(np.empty(0, dtype=np.int8) for _ in range(4)))
    with pytest.raises(ValueError, match="did you mean 'train'"):
        manifest.split("trian")


def test_columns_in_any_order_and_others_ignored(tmp_path):
    text = " gender ,note,split,identity,hair,path\nmale,x,test,anna,,a/ä.png\n"
    manifest = read(tmp_path, text.encode("utf-8-sig"))
    assert manifest.labels.tolist() == [[UNKNOWN, 1]]
    assert manifest.splits.tolist() == [SPLITS.index("test")]
    assert manifest.extra["identity"].tolist() == ["anna"]
    assert manifest.file(0) == tmp_path / "a/ä.png"


def test_text_that_looks_like_missing_is_text(tmp_path):
    schema = Schema.from_dict(
        {"attributes": {"a": ["NA", "null"]}, "composites": {"c": {"attributes": ["a"]}}}
    )
    manifest = Manifest.read(write(tmp_path, "path,split,a\nnan,train,NA\n007,test,null\n"), schema)
    assert manifest.paths.tolist() == ["nan", "007"]
    assert manifest.labels.tolist() == [[0], [1]]


def test_rows_are_those_of_a_spreadsheet(tmp_path):
    manifest = read(tmp_path, HEADER + "a,train,short,male\n\n,,,\nb,test,long,\n")
    assert manifest.rows.tolist() == [2, 5]
    assert manifest.labels.tolist() == [[0, 1], [1, UNKNOWN]]
    message = refusal(tmp_path, HEADER + '"a\nb",train,short,male\n\nc,train,shirt,male\n')
    assert "row 4, column hair: 'shirt'" in message


def test_numbers_are_compared_as_numbers(tmp_path):
    schema = Schema.from_dict(
        {"attributes": {"a": [0, 1]}, "composites": {"c": {"attributes": ["a"]}}}
    )
    cells = ["0", "1", "0.0", "1.00", "False", "TRUE", " 1", "-0", "", "  "]
    text = "path,split,a\n" + "".join(f"{i},train,{cell}\n" for i, cell in enumerate(cells))
    manifest = Manifest.read(write(tmp_path, text), schema)
    assert manifest.labels[:, 0].tolist() == [0, 1, 0, 1, 0, 1, 1, 0, -1, -1]
    with pytest.raises(ManifestError, match="row 2, column a: '2' is not one of 0, 1 or blank"):
        Manifest.read(write(tmp_path, "path,split,a\n0,train,2\n"), schema)


@pytest.mark.parametrize("values", [["0", "0.0"], ["1", "True"], ["long", " long"]])
def test_values_that_mean_the_same_are_no_schema(tmp_path, values):
    schema = Schema.from_dict(
        {"attributes": {"a": values}, "composites": {"c": {"attributes": ["a"]}}}
    )
    with pytest.raises(SchemaError, match="mean the same in a table; keep one"):
        Manifest.read(write(tmp_path, "path,split,a\n0,train,\n"), schema)


@pytest.mark.parametrize(("word", "meant"), [("val", "validation"), ("Dev", "validation")])
def test_other_words_for_a_split_name_the_right_one(tmp_path, word, meant):
    message = refusal(tmp_path, HEADER + f"a,{word},,\n")
    assert f"did you mean {meant!r}?" in message


def test_rows_cut_short_and_names_given_twice(tmp_path):
    assert "row 3: 3 fields" in refusal(tmp_path, HEADER + "a,train,short,male\nb,test,long\n")
    assert "column 'hair' appears twice" in refusal(tmp_path, "path,split,hair,hair\na,train,,\n")


def test_missing_file(tmp_path):
    with pytest.raises(ManifestError, match=r"none.csv:\n  no such file \(current folder: /"):
        Manifest.read(tmp_path / "none.csv", PLAIN)


@pytest.mark.parametrize("text", [HEADER, HEADER + "\n\n", HEADER + ",,,\n"])
def test_no_rows(tmp_path, text):
    assert "the table has no rows" in refusal(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    ["", b"path,split,hair,gender\n\xff\x81,train,short,male\n", HEADER + "a,train,short,male,x\n"],
)
def test_not_a_table(tmp_path, text):
    refusal(tmp_path, text)


def test_missing_columns(tmp_path):
    message = refusal(tmp_path, "file_path,splt,hair,genre\na,train,short,male\n")
    assert "no column 'path'; did you mean 'file_path'?" in message
    assert "no column 'split'; did you mean 'splt'?" in message
    assert "no column 'gender'; did you mean 'genre'?" in message
    assert "'hair'" not in message


def test_wrong_values(tmp_path):
    message = refusal(tmp_path, HEADER + "a,train,short,male\nb,trian,lonk,\nc,,,\n")
    assert message.splitlines()[1:] == [
        "  row 3, column split: 'trian' is not one of train, validation, test; did you mean 'train'?",
        "  row 4, column split: '' is not one of train, validation, test",
        "  row 3, column hair: 'lonk' is not one of short, long or blank; did you mean 'long'?",
    ]


def test_paths_empty_and_repeated(tmp_path):
    message = refusal(tmp_path, HEADER + "a,train,,\n,train,,\nb,train,,\na,test,,\n")
    assert message.splitlines()[1:] == [
        "  row 3, column path: empty",
        "  row 5, column path: 'a' stands in an earlier row too",
    ]


@pytest.mark.parametrize(
    ("count", "end"), [(20, "row 21, "), (21, "... and 1 more"), (45, "... and 25 more")]
)
def test_many_problems_are_cut(tmp_path, count, end):
    lines = refusal(
        tmp_path, HEADER + "".join(f"{i},train,x,\n" for i in range(count))
    ).splitlines()
    assert len(lines) == 1 + min(count, 20) + (count > 20)
    assert lines[-1].startswith(f"  {end}")


def test_a_failed_write_keeps_the_old(tmp_path):
    path = write(tmp_path, HEADER + "a,train,,\n")
    manifest = Manifest.read(path, PLAIN)
    broken = Manifest(
        PLAIN,
        tmp_path,
        manifest.paths,
        manifest.splits,
        manifest.labels,
        manifest.rows,
        {"source": ["\ud800"]},
    )
    with pytest.raises(UnicodeEncodeError):
        broken.write(path)
    assert Manifest.read(path, PLAIN).paths.tolist() == ["a"]
    assert [p.name for p in tmp_path.iterdir()] == ["m.csv"]


def test_rows_longer_than_the_header(tmp_path):
    text = HEADER + "a,train,short,male,\nb,test,long,male,\n"
    try:
        assert read(tmp_path, text).paths.tolist() == ["a", "b"]
    except ManifestError as error:
        assert "'short' is not one of train" not in str(error)  # noqa: PT017


def test_columns_alike_once_stripped(tmp_path):
    assert "hair" in refusal(tmp_path, "path,split,hair, hair,gender\na,train,short,long,male\n")


def test_boxes(tmp_path):
    text = "path,split,hair,gender,box\n" + "".join(
        f"a.png,train,short,male,{box}\n" for box in ("", "1 2 3.5 4", " 0  0 5 5 ")
    )
    manifest = Manifest.read(write(tmp_path, text), PLAIN)
    assert [manifest.box(i) for i in range(3)] == [None, (1, 2, 3.5, 4), (0, 0, 5, 5)]
    for wrong in ("1 2 3", "1 2 3 0", "1 2 -3 4", "a b c d", "nan 0 5 5", "0 0 inf 5", "1 2 3 4 5"):
        assert f"row 2, column box: {wrong!r} is not" in refusal(
            tmp_path, text.replace("male,\n", f"male,{wrong}\n", 1)
        )
    assert "row 3, column path: 'a.png' stands in an earlier row too" in refusal(
        tmp_path, text.replace("1 2 3.5 4", "")
    )

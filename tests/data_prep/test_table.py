from collections import Counter, defaultdict

import numpy as np
import pandas as pd
import pytest
import table
from hypothesis import given, settings
from hypothesis import strategies as st

from modular_cls.data.manifest import Manifest
from modular_cls.schema import Schema

TABLE = """file,len,facial,who,part
1.png,long,0,anna,Train
2.png,short,1,anna,VAL
3.png, long ,2,bert,dev
4.png,,1,carl,testing
"""
HAIR = ("--path", "file", "--attribute", "hair=len")
BEARD = ("--attribute", "beard=facial", "--value", "beard:0=none", "--value", "beard:1=moustache")


def run(folder, text, *arguments):
    """Exit status of the converter, and the manifest written as a table, or None."""
    source, out = folder / "t.csv", folder / "m.csv"
    source.write_bytes(text if isinstance(text, bytes) else text.encode())
    out.unlink(missing_ok=True)
    try:
        status = table.main([str(source), "--out", str(out), "--no-pictures", *arguments])
    except SystemExit as end:
        status = end.code
    return status, pd.read_csv(out, dtype=str, keep_default_na=False) if out.exists() else None


def converted(folder, text, *arguments):
    status, frame = run(folder, text, *arguments)
    assert status == 0
    return frame


def refusal(capsys, folder, text, *arguments):
    status, frame = run(folder, text, *arguments)
    assert status not in (0, None)
    assert frame is None
    return capsys.readouterr().err


def rows(count, groups):
    lines = [
        f"{i}.png,{('long', 'short')[i % 2]},{('f', 'm')[i // 2 % 2]},g{groups[i]}"
        for i in range(count)
    ]
    return "\n".join(["file,len,sex,who", *lines, ""])


def test_columns_values_and_splits(tmp_path, capsys):
    frame = converted(tmp_path, TABLE, *HAIR, *BEARD, "--split", "part", "--group", "who")
    assert frame.to_dict("list") == {
        "path": ["1.png", "2.png", "3.png", "4.png"],
        "split": ["train", "validation", "validation", "test"],
        "hair": ["long", "short", "long", ""],
        "beard": ["none", "moustache", "", "moustache"],
        "identity": ["anna", "anna", "bert", "carl"],
    }
    assert "4 rows written" in capsys.readouterr().out


def test_a_value_renamed_to_nothing_is_unknown(tmp_path):
    names = ("--value", "beard:0=no", "--value", "beard:1=", "--value", "beard:2=full")
    frame = converted(
        tmp_path, TABLE, "--path", "file", "--attribute", "beard=facial", *names, "--split", "train"
    )
    assert frame["beard"].tolist() == ["no", "", "full", ""]
    assert frame["split"].tolist() == ["train"] * 4


def test_what_is_written_can_be_read(tmp_path):
    converted(tmp_path, "\ufeff" + TABLE, *HAIR, "--split", "part")
    schema = Schema.from_dict(
        {"attributes": {"hair": ["short", "long"]}, "composites": {"c": {"attributes": ["hair"]}}}
    )
    assert Manifest.read(tmp_path / "m.csv", schema).labels.tolist() == [[1], [0], [1], [-1]]


@pytest.mark.parametrize(
    ("meant", "words"),
    [
        ("train", ["train", "Training", " TRAIN "]),
        ("validation", ["val", "Valid", "validation", "dev", "eval"]),
        ("test", ["test", "TESTING"]),
    ],
)
def test_split_synonyms(tmp_path, meant, words):
    text = "path,len,s\n" + "".join(
        f"{i}.png,{'xy'[i % 2]},{word}\n" for i, word in enumerate(words)
    )
    frame = converted(tmp_path, text, "--attribute", "hair=len", "--split", "s")
    assert frame["split"].tolist() == [meant] * len(words)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 8), min_size=4, max_size=40), st.integers(0, 3))
def test_groups_are_never_divided(tmp_path_factory, groups, seed):
    text = rows(len(groups), groups)
    arguments = (*HAIR, "--attribute", "sex=sex", "--group", "who", "--seed", str(seed))
    folder = tmp_path_factory.mktemp("groups")
    frame = converted(folder, text, *arguments)
    assert frame["identity"].tolist() == [f"g{g}" for g in groups]
    splits = defaultdict(set)
    for who, split in zip(frame["identity"], frame["split"], strict=True):
        splits[who].add(split)
    assert all(len(found) == 1 for found in splits.values())
    assert converted(folder, text, *arguments).equals(frame)


def test_every_class_is_divided_by_the_shares(tmp_path):
    text = rows(80, range(80))
    arguments = (*HAIR, "--attribute", "sex=sex")
    frame = converted(tmp_path, text, *arguments)
    counts = Counter(zip(frame["hair"], frame["sex"], frame["split"], strict=True))
    for hair, sex in (("long", "f"), ("short", "f"), ("long", "m"), ("short", "m")):
        assert [counts[hair, sex, s] for s in ("train", "validation", "test")] == [14, 2, 4]
    assert set(converted(tmp_path, text, *arguments, "--shares", "1", "0", "0")["split"]) == {
        "train"
    }
    halves = Counter(converted(tmp_path, text, *arguments, "--shares", "2", "0", "2")["split"])
    assert halves == {"train": 40, "test": 40}
    assert not converted(tmp_path, text, *arguments, "--seed", "1").equals(frame)


def test_the_draw_does_not_depend_on_row_order(tmp_path):
    text = rows(40, range(40))
    header, *lines = text.splitlines()
    frame = converted(tmp_path, text, *HAIR, "--attribute", "sex=sex")
    order = np.random.default_rng(0).permutation(40)
    shuffled = converted(
        tmp_path, "\n".join([header, *(lines[i] for i in order)]), *HAIR, "--attribute", "sex=sex"
    )
    assert dict(zip(shuffled["path"], shuffled["split"], strict=True)) == dict(
        zip(frame["path"], frame["split"], strict=True)
    )


def test_missing_columns_name_the_nearest(tmp_path, capsys):
    error = refusal(
        capsys, tmp_path, TABLE, "--path", "fle", "--attribute", "beard=facail", "--group", "whom"
    )
    for column, near in (("fle", "file"), ("facail", "facial"), ("whom", "who")):
        assert f"no column {column!r}; did you mean {near!r}?" in error


def test_unknown_splits(tmp_path, capsys):
    assert "did you mean 'part'?" in refusal(capsys, tmp_path, TABLE, *HAIR, "--split", "prt")
    assert "did you mean 'train'?" in refusal(capsys, tmp_path, TABLE, *HAIR, "--split", "trian")
    text = TABLE.replace("testing", "exam")
    assert "row 5, split: 'exam' (1 rows) is not one of train" in refusal(
        capsys, tmp_path, text, *HAIR, "--split", "part"
    )


def test_too_few_values(tmp_path, capsys):
    error = refusal(capsys, tmp_path, "file,len\na,long\nb,\n", *HAIR)
    assert "attribute 'hair' has fewer than 2 values: ['long']" in error


def test_missing_table(tmp_path, capsys):
    assert table.main([str(tmp_path / "none.csv"), "--out", str(tmp_path / "m.csv"), *HAIR]) == 1
    assert "no such file" in capsys.readouterr().err


def test_malformed_attribute(tmp_path, capsys):
    assert "must be written A=B" in refusal(capsys, tmp_path, TABLE, "--attribute", "hair")


def test_malformed_value(tmp_path, capsys):
    assert "A:B" in refusal(capsys, tmp_path, TABLE, *HAIR, "--value", "hair=long")


def test_values_of_an_unknown_attribute(tmp_path, capsys):
    assert "did you mean 'hair'" in refusal(
        capsys, tmp_path, TABLE, *HAIR, "--value", "hiar:long=lang"
    )


@pytest.mark.parametrize("text", ["", b"file,len\n\xff,x\n", 'file,len\na,x,y\nb,"x\n'])
def test_not_a_table(tmp_path, capsys, text):
    refusal(capsys, tmp_path, text, *HAIR)


def test_rows_are_those_of_a_spreadsheet(tmp_path, capsys):
    text = "file,len,part\na,x,train\n\nb,y,exam\n"
    assert "row 4, split: 'exam'" in refusal(capsys, tmp_path, text, *HAIR, "--split", "part")


@pytest.mark.parametrize("name", ["path", "split"])
def test_columns_of_the_manifest_are_no_attributes(tmp_path, capsys, name):
    refusal(
        capsys, tmp_path, TABLE, "--path", "file", "--attribute", f"{name}=len", "--split", "part"
    )


@pytest.mark.parametrize("names", [("all", "b"), ("a", "b")])
def test_any_attributes_and_values_convert(tmp_path, names):
    text = "path,p,q\n1,x,y_z\n2,x_y,z\n"
    arguments = [f"--attribute={n}={c}" for n, c in zip(names, "pq", strict=True)]
    assert len(converted(tmp_path, text, *arguments, "--split", "train")) == 2

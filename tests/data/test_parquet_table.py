"""Parquet manifests: what the same table in CSV means."""

import numpy as np
import pytest

from modular_cls.data.faces.write import SCHEMA
from modular_cls.data.manifest import Manifest
from modular_cls.data.text_table import read_table
from modular_cls.errors import ManifestError

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def test_a_manifest_is_the_same_in_both(faces_dir, tmp_path):
    ours = Manifest.read(faces_dir / "manifest.csv", SCHEMA)
    ours.write(tmp_path / "m.parquet")
    again = Manifest.read(tmp_path / "m.parquet", SCHEMA, root=faces_dir)
    for name in ("paths", "splits", "labels", "rows"):
        np.testing.assert_array_equal(getattr(again, name), getattr(ours, name))
    assert again.labels.dtype == np.int16


def test_cells_of_every_plain_type_are_text(tmp_path):
    coded = pa.DictionaryArray.from_arrays(pa.array([0, None, 2, 1]), pa.array(["a", "", "b"]))
    table = pa.table({
        "text": ["x", None, "", "y"], "coded": coded, "whole": [1, None, 0, 1],
        "broken": [0.5, float("nan"), None, 1.0], "truth": [True, False, None, True],
        "many": [str(i) for i in range(4)], "list": [[1]] * 4,
    })  # fmt: skip
    parquet.write_table(table, tmp_path / "t.parquet", row_group_size=2)
    found = read_table(tmp_path / "t.parquet")
    assert found.index.tolist() == [2, 3, 4, 5]
    assert {name: found[name].tolist() for name in found} == {
        "text": ["x", "", "", "y"], "coded": ["a", "", "b", ""], "whole": ["1", "", "0", "1"],
        "broken": ["0.5", "", "", "1.0"], "truth": ["True", "False", "", "True"],
        "many": ["0", "1", "2", "3"],
    }  # fmt: skip
    assert list(read_table(tmp_path / "t.parquet", columns=("whole", "none"))) == ["whole"]
    with pytest.raises(ManifestError, match=r"column 'list' holds list<"):
        read_table(tmp_path / "t.parquet", columns=("list",))


def test_many_values_stay_text(tmp_path, monkeypatch):
    monkeypatch.setattr("modular_cls.data.parquet_table._FEW", 3)
    values = ["a", None, *map(str, range(50))]
    parquet.write_table(pa.table({"path": values}), tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet")["path"].tolist() == ["a", "", *values[2:]]


def test_what_is_wrong_is_told_with_its_row(tmp_path):
    table = {"path": ["a.png", "../b.png"], "split": ["train", "trian"], "hair": ["short", "bald"]}
    parquet.write_table(pa.table(table | {"gender": ["male", None]}), tmp_path / "m.parquet")
    with pytest.raises(ManifestError) as told:
        Manifest.read(tmp_path / "m.parquet", SCHEMA)
    for words in ("row 3, column split: 'trian'", "row 3, column hair: 'bald'", "leaves the root"):
        assert words in str(told.value)
    (tmp_path / "no.parquet").write_bytes(b"no table")
    with pytest.raises(ManifestError, match="cannot be read as Parquet"):
        read_table(tmp_path / "no.parquet")
    parquet.write_table(pa.table({"path": pa.array([], pa.string())}), tmp_path / "empty.parquet")
    with pytest.raises(ManifestError, match="no rows"):
        read_table(tmp_path / "empty.parquet")

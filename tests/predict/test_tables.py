"""The file that a table of predictions ends in."""

import numpy as np
import pytest

from tests.predict.small_jobs import left, predict, read


def test_parquet_holds_the_same(run_dir, folder, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    assert predict(run_dir, tmp_path / "t.csv", folder) == 0
    assert predict(run_dir, tmp_path / "t.parquet", folder) == 0
    rows, table = read(tmp_path / "t.csv"), parquet.read_table(tmp_path / "t.parquet")
    for name in rows[0]:
        text = name in ("path", "box", "error", "hair", "gender", "hair_gender")
        expected = [
            (row[name] if text else np.float32(row[name])) if row[name] else None for row in rows
        ]
        assert table[name].to_pylist() == expected, name
    assert left(tmp_path) == []


def test_nothing_is_replaced_unless_told(run_dir, folder, tmp_path, capsys):
    (tmp_path / "t.csv").write_text("mine")
    assert predict(run_dir, tmp_path / "t.csv", folder) == 1
    assert (tmp_path / "t.csv").read_text() == "mine"
    assert "--overwrite to replace it" in capsys.readouterr().err
    assert predict(run_dir, tmp_path / "t.csv", folder, "--overwrite") == 0
    assert len(read(tmp_path / "t.csv")) == 9

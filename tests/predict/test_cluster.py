"""Tables in parts: the same rows as the table that one process writes, whatever happens to a worker."""

import csv
import os
from concurrent.futures import Executor

import numpy as np
import pytest

from modular_cls import Predictor
from modular_cls.cli import main
from modular_cls.errors import ConfigError, ModularClsError, OutputExistsError
from modular_cls.jobs.executors import Inline, Processes
from modular_cls.predict.cluster import predict_on
from modular_cls.predict.mapped import TablePredictor

pandas, _ = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")


def whole(run_dir, tmp_path, *words):
    """The table by one process, its text as numbers."""
    assert main(["predict", str(run_dir), *map(str, words), "--out", str(tmp_path / "t.csv")]) == 0
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def check_same(parts, rows):
    assert parts.columns.tolist() == list(rows[0])
    for name in rows[0]:
        ours, theirs = parts[name].tolist(), [row[name] for row in rows]
        if "=" in name:
            numbers = [float(cell) if cell else np.nan for cell in theirs]
            np.testing.assert_allclose(ours, numbers, rtol=1e-4)
        else:
            assert ["" if cell is None or cell != cell else cell for cell in ours] == theirs


def test_the_parts_hold_the_rows_of_the_table(run_dir, folder, tmp_path):
    out = tmp_path / "parts.parquet"
    counted = predict_on(Inline(), TablePredictor(run_dir), [str(folder)], out, shard=4)
    assert (counted.images, counted.bad, counted.resumed) == (9, 1, 0)
    assert [p.name for p in sorted(out.glob("part*"))] == [
        f"part-{i:06d}.parquet" for i in range(3)
    ]
    assert (out / "_SUCCESS").read_text() == "9 rows\n"
    check_same(pandas.read_parquet(out), whole(run_dir, tmp_path, folder))


def test_a_table_with_boxes_as_csv_and_parquet(run_dir, folder, tmp_path):
    names = ["0.png", "deep/er/6.png", "0.png", "broken.jpg", "../t.csv"]
    table = pandas.DataFrame({"path": names, "box": ["", "3 4 20 20", "1 1 9 9", "", ""]})
    table["note"] = [[1]] * 5  # nobody asks for it
    table.to_parquet(folder / "table.parquet")
    table.drop(columns="note").to_csv(folder / "table.csv", index=False)
    rows = whole(run_dir, tmp_path, folder / "table.csv")
    for ending in ("csv", "parquet"):
        out = tmp_path / f"{ending}.parquet"
        predict_on(Inline(), TablePredictor(run_dir), [str(folder / f"table.{ending}")], out)
        found = pandas.read_parquet(out)
        assert "outside of the root" in found["error"][4]
        check_same(found.drop(columns="error"), [{k: v for k, v in r.items() if k != "error"} for r in rows])  # fmt: skip


def test_it_goes_on_with_the_parts_that_are_missing(run_dir, folder, tmp_path):
    out, words = tmp_path / "parts.parquet", [str(folder)]
    predictor = TablePredictor(run_dir, embeddings=True)
    predict_on(Inline(), predictor, words, out, shard=4)
    before = pandas.read_parquet(out)
    with pytest.raises(OutputExistsError, match="exists already"):
        predict_on(Inline(), predictor, words, out, shard=4)
    (out / "_SUCCESS").unlink()
    (out / "part-000001.parquet").unlink()
    stamps = {p.name: p.stat().st_mtime_ns for p in out.glob("part*")}
    other = TablePredictor(run_dir, given={"gender": "male"}, embeddings=True)
    for wrong, told in ((other, "other given"), (TablePredictor(run_dir), "other embeddings")):
        with pytest.raises(OutputExistsError, match=told):
            predict_on(Inline(), wrong, words, out, shard=4)
    counted = predict_on(Inline(), predictor, words, out, shard=4)
    assert (counted.images, counted.bad, counted.resumed) == (9, 1, 5)
    pandas.testing.assert_frame_equal(pandas.read_parquet(out), before)
    assert all((out / name).stat().st_mtime_ns == stamp for name, stamp in stamps.items())
    good = before[before["error"].isna()]
    theirs = Predictor.load(run_dir)(good["path"].tolist()).embeddings
    np.testing.assert_allclose(np.stack(good["embedding"].tolist()), theirs, rtol=1e-4, atol=1e-5)


class Unlucky(Executor):
    """Processes of which some die over their first jobs."""

    def __init__(self, deaths):
        self.inner, self.deaths = Processes(1), deaths

    def submit(self, fn, /, *args):
        self.deaths -= 1
        return self.inner.submit(os._exit, 1) if self.deaths >= 0 else self.inner.submit(fn, *args)


@pytest.mark.parametrize("deaths", [1, 3])
def test_a_worker_that_dies_costs_a_shard(deaths, run_dir, folder, tmp_path):
    """Two shards: the first dies once and is done again; or both die, and one of them again."""
    executor, out = Unlucky(deaths), tmp_path / "parts.parquet"
    words = [TablePredictor(run_dir), [str(folder)], out]
    if deaths == 3:
        with pytest.raises(ModularClsError, match="1 of 2 shards failed, the others are kept"):
            predict_on(executor, *words, shard=5)
        assert len(list(out.glob("part*"))) == 1
        assert not (out / "_SUCCESS").exists()
    assert predict_on(executor, *words, shard=5).images == 9
    executor.inner.shutdown()
    assert (out / "_SUCCESS").exists()


def test_on_a_dask_cluster_by_the_command_line(run_dir, folder, tmp_path, capsys):
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    out = tmp_path / "parts.parquet"
    with distributed.LocalCluster(**options) as cluster:
        address = cluster.scheduler_address
        words = ["predict", str(run_dir), str(folder), "--cluster", address, "--shard", "5"]
        assert main([*words, "--out", str(out)]) == 0
    assert "9 images are in" in capsys.readouterr().out
    check_same(pandas.read_parquet(out), whole(run_dir, tmp_path, folder))


def test_what_a_cluster_cannot_do_is_told_first(run_dir, folder, tmp_path, capsys):
    predictor, words = TablePredictor(run_dir), [str(folder)]
    with pytest.raises(ConfigError, match="folder of parts"):
        predict_on(Inline(), predictor, words, tmp_path / "t.csv")
    with pytest.raises(ConfigError, match="--shard is 0"):
        predict_on(Inline(), predictor, words, tmp_path / "t.parquet", shard=0)
    (tmp_path / "mine.parquet").mkdir()
    with pytest.raises(OutputExistsError, match="no table of a cluster"):
        predict_on(Inline(), predictor, words, tmp_path / "mine.parquet", overwrite=True)
    alone = ["predict", str(run_dir), str(folder), "--out", str(tmp_path / "t.csv")]
    assert main([*alone, "--shard", "5"]) == 1
    assert "belong to --cluster" in capsys.readouterr().err

"""Spark and Ray can carry the function of tables."""

import pickle
import subprocess
import sys

from modular_cls.predict.mapped import TablePredictor


def test_spark_and_ray_can_carry_it(run_dir, folder, tmp_path):
    """A worker gets the pickled function and nothing else, and loads the model once."""
    predictor = TablePredictor(run_dir, root=folder, embeddings=True)
    for name, function in (("frames", predictor.frames), ("batch", predictor)):
        (tmp_path / name).write_bytes(pickle.dumps(function))
    assert len(pickle.dumps(predictor)) < 2000  # the folder's name, not the model
    code = f"""
import pickle, pandas as pd
from pathlib import Path
frames = pickle.loads(Path({str(tmp_path / "frames")!r}).read_bytes())
batch = pickle.loads(Path({str(tmp_path / "batch")!r}).read_bytes())
tables = [pd.DataFrame({{"path": [f"{{i}}.png", "broken.jpg"], "other": 1}}) for i in range(3)]
found = list(frames(iter(tables)))
assert [len(f) for f in found] == [2, 2, 2]
assert found[1]["error"].isna().tolist() == [True, False]
assert found[0].columns.tolist() == ["path", *frames.__self__.columns]
assert len(found[0]["embedding"][0]) == batch.predictor.model.width
whole = batch({{"path": ["0.png"]}})
assert whole["hair=long"][0] == found[0]["hair=long"][0]
from modular_cls.predict import mapped
assert mapped._loaded.cache_info().misses == 1
assert frames.__self__.spark_schema.startswith("`path` string, `error` string, `hair` string, `hair=short` float")
"""  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

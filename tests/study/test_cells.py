"""The cells of a study."""

from pathlib import Path

import pytest
import yaml

from modular_cls.cli import main
from modular_cls.study.grid import Study, Tune
from modular_cls.study.study import grid

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "file", sorted((ROOT / "configs/study").glob("*.yaml")), ids=lambda p: p.stem
)
def test_every_study_that_is_shipped_is_a_grid(file, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    spec = yaml.safe_load(file.read_text())
    tune = spec.pop("tune", None)
    spec |= {"keep": spec["keep"][:1], "seeds": spec["seeds"][:1]}
    cells = grid(Study(**spec, tune=tune and Tune(**tune)), tmp_path)
    assert len({folder for _, folder in cells}) == len(cells) == len(spec["methods"])


def test_studies_compare_after_the_same_updates(faces_dir, tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text(f"data: {{manifest: {faces_dir / 'manifest.csv'}}}\ntraining: {{patience: 2}}\n")  # fmt: skip
    grid = tmp_path / "grid.yaml"
    grid.write_text(f"methods: [modular]\nkeep: [0]\nseeds: [0]\nalso: [{tmp_path / 'mine.yaml'}]\n")  # fmt: skip
    assert main(["study", "--config", str(grid), "--out", str(tmp_path / "study")]) != 0
    assert "modular has training.patience" in capsys.readouterr().err

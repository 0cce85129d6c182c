"""Metrics of a run, printed."""

import json

from modular_cls.runs.terminal import print_metrics


def test_metrics_are_printed(write_run, capsys):
    metrics = json.loads((write_run() / "metrics.json").read_text())["test"]
    metrics["hair_gender"]["recall"]["short_male"] = None
    print_metrics(metrics, "test")
    told = capsys.readouterr().out
    assert "test: hair_gender" in told
    assert "long_haired_man" in told
    assert "rare-class recall" in told
    assert "hair length" in told

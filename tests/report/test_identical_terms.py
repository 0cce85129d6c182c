"""Whether methods were compared on identical terms."""

from modular_cls.report.page import write_report


def test_runs_tested_on_other_images_are_told(write_run, tmp_path):
    write_run()
    write_run.images = 10
    write_run("flat")
    assert "tested on different images" in write_report([write_run.root], tmp_path / "out")

"""The bar of a long job says what is in work."""

from rich.progress import Progress

from modular_cls.jobs.meter import Meter


def description(meter):
    (task,) = meter.progress.tasks
    return task.description


def test_it_says_what_is_in_work_and_that_nothing_is():
    with Meter("Cells", 4) as meter:
        meter.show(["modular_k0_seed0"])
        assert description(meter) == "Cells, in work: modular_k0_seed0"
        meter.show(["a", "[bold]b", "c", "d"])
        assert description(meter) == r"Cells, in work: a, \[bold]b and 2 more"
        meter.show([])
        assert description(meter) == "Cells"
    assert isinstance(meter.progress, Progress)

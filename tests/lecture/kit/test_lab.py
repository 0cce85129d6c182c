"""What was measured is kept; what failed is not; several rows of one cell stay together."""

import numpy as np
import pytest

from modular_cls.jobs.executors import Inline, Processes
from modular_cls.lecture.kit.lab import Lab

CALLS = []


def squares(data, *, count, seed):
    CALLS.append((count, seed))
    if count > 8:
        raise ValueError("too many")
    return [{"number": i, "square": i * i} for i in range(count)]


def grid(data, *, side):
    return {"zeros": np.zeros((side, side)), "name": np.array(["a"])}


def lab(folder, size="full", executor=None):
    return Lab(size, folder, folder, executor or Inline(), None)


def test_cells_are_measured_once(tmp_path):
    CALLS.clear()
    cells = [{"count": c, "seed": 0} for c in (1, 3)]
    first = lab(tmp_path).table(squares, cells)
    again = lab(tmp_path).table(squares, [*cells, {"count": 2, "seed": 0}])
    assert CALLS == [(1, 0), (3, 0), (2, 0)]
    assert again.iloc[:4].equals(first)
    assert list(again.columns) == ["count", "seed", "number", "square"]
    assert again["square"].tolist() == [0, 0, 1, 4, 0, 1]


@pytest.mark.parametrize("garbage", [b"", b"{", b"PK\x03\x04 half an archive", None])
def test_a_corrupt_cell_is_measured_again(tmp_path, capsys, garbage):
    CALLS.clear()
    numbers, arrays = [{"count": 1, "seed": 0}], [{"side": 2}]
    lab(tmp_path).table(squares, numbers)
    lab(tmp_path).arrays(grid, arrays)
    for path in (tmp_path / "cells").iterdir():
        whole = path.read_bytes()
        path.write_bytes(whole[:60] + b"\xff" * 8 + whole[68:] if garbage is None else garbage)
    assert lab(tmp_path).table(squares, numbers)["square"].tolist() == [0]
    assert lab(tmp_path).arrays(grid, arrays)[0]["zeros"].shape == (2, 2)
    assert CALLS == [(1, 0)] * 2
    assert capsys.readouterr().out.count("is corrupt; it is measured again") == 2


def test_what_was_done_before_a_failure_is_kept(tmp_path):
    CALLS.clear()
    with pytest.raises(ValueError, match="too many"):
        lab(tmp_path).table(squares, [{"count": 2, "seed": 0}, {"count": 9, "seed": 0}])
    lab(tmp_path).table(squares, [{"count": 2, "seed": 0}])
    assert CALLS == [(2, 0), (9, 0)]


def test_arrays_come_back_as_they_were_also_from_other_processes(tmp_path):
    with Processes(2) as executor:
        found = lab(tmp_path, executor=executor).arrays(grid, [{"side": 2}, {"side": 3}])
    assert [f["zeros"].shape for f in found] == [(2, 2), (3, 3)]
    assert found[0]["name"] == ["a"]

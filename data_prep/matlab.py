"""MATLAB files, as the annotations of pedestrians come."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from modular_cls.errors import ManifestError, nearest


def read_mat(file: Path) -> dict[str, Any]:
    """Read a MATLAB file: structs as dicts, arrays and cells with their sides of length 1 left out.

    Raises:
        ManifestError: If the file is damaged or of version 7.3, which is another format.
    """
    try:
        read: Any = scipy.io.loadmat  # type: ignore[attr-defined]
        content: dict[str, Any] = read(file, simplify_cells=True)
    except Exception as error:  # damaged bytes raise errors of many kinds in there
        if isinstance(error, OSError) and error.errno:  # the file, not what is in it
            raise
        problem = f"not a MATLAB file that can be read, or cut off; download it again: {error}"
        raise ManifestError(file, [problem]) from None
    return content


def texts(cells: Any) -> list[str]:
    """The texts of a cell array, as `read_mat` gives it; an empty cell is an empty text."""
    return [
        _text(cell)
        for cell in (
            [cells] if isinstance(cells, str) else np.ravel(np.asarray(cells, dtype=object))
        )
    ]


def check_keys(file: Path, struct: Any, needed: Sequence[str], where: str = "") -> None:
    """Raise ManifestError where a dict of `read_mat` lacks keys, naming the nearest."""
    if not isinstance(struct, dict):
        raise ManifestError(
            file, [f"{where or 'the file'} is not a struct with {', '.join(needed)}"]
        )
    known = [key for key in struct if not key.startswith("__")]
    missing = [key for key in needed if key not in known]
    if missing:
        place = f"{where}: " if where else ""
        problems = [f"{place}no {key!r}{nearest(key, known)}" for key in missing]
        raise ManifestError(file, [*problems, f"{place}there is {', '.join(known) or 'nothing'}"])


def _text(cell: Any) -> str:
    while isinstance(cell, np.ndarray) and cell.size == 1:
        cell = cell.item()
    return "" if isinstance(cell, np.ndarray) else str(cell).strip()

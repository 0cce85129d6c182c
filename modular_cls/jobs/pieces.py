"""Many pieces of one long job on an executor: some at a time, each tried twice."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any, Generic, TypeVar

from modular_cls.errors import ModularClsError

_T = TypeVar("_T")
_ATTEMPTS = 2  # a worker may die of something else; a piece that kills workers must not go on
_AHEAD = 512  # pieces handed over before their turn, which need memory here


class Piece(Generic[_T]):
    """One piece done, or failed.

    Attributes:
        number: Which.
        result: What came of it; None where it failed.
        error: Why it failed, in words; blank where it did not.
    """

    def __init__(self, number: int, result: _T | None, error: str = "") -> None:
        self.number, self.result, self.error = number, result, error


def run_pieces(
    executor: Executor, do: Callable[..., _T], pieces: Iterable[tuple[int, tuple[Any, ...]]]
) -> Iterator[Piece[_T]]:
    """Do something for each of many pieces, in whatever order they come back.

    A piece whose worker died is tried once more; what another try cannot mend (a ModularClsError)
    is not.

    Args:
        executor: Where.
        do: A function of a module, so that any executor can carry it.
        pieces: The number of each, and the arguments; taken as there is room.
    """
    coming = iter(pieces)
    pending: dict[Future[_T], tuple[int, tuple[Any, ...], int]] = {}

    def submit(number: int, arguments: tuple[Any, ...], attempt: int) -> None:
        pending[executor.submit(do, *arguments)] = (number, arguments, attempt)

    while True:
        while len(pending) < _AHEAD and (following := next(coming, None)) is not None:
            submit(*following, 1)
        if not pending:
            return
        for future in wait(pending, return_when=FIRST_COMPLETED).done:
            number, arguments, attempt = pending.pop(future)
            error = future.exception()
            if error is None:
                yield Piece(number, future.result())
            elif attempt < _ATTEMPTS and not isinstance(error, ModularClsError):
                submit(number, arguments, attempt + 1)
            else:
                yield Piece(number, None, f"{type(error).__name__}: {error}")

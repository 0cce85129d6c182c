"""Signals that end a program: SIGTERM, SIGINT (Ctrl-C) and SIGUSR1 (what schedulers send before).

The program stops where it stands, by an exception. While it holds signals it is only told, and
stops by itself at the next place where nothing is lost; if it does not come there in time, it is
ended all the same, for a scheduler waits for nobody.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT, *([signal.SIGUSR1] if os.name == "posix" else []))
_PATIENCE = 8.0  # seconds from the signal to the end, what is being written aside


class Interrupted(SystemExit):
    """The program was told to stop; its exit status is 128 + the signal, as a shell has it.

    Args:
        signum: The signal.
        advice: What is saved and how to go on, for the user.
    """

    def __init__(self, signum: int, advice: str = "") -> None:
        super().__init__(128 + signum)
        self.signum, self.advice = signum, advice

    @property
    def name(self) -> str:
        """The signal's name, such as SIGTERM."""
        return signal.Signals(self.signum).name


class Held:
    """Signals held back.

    Attributes:
        signum: The first that came, or None.
        writing: Set this while files are written that the end should wait for.
        last_words: What to say if the program has to be ended before it stops by itself.
    """

    def __init__(self) -> None:
        self.signum: int | None = None
        self.writing, self.last_words, self.released = False, "", False

    def receive(self, signum: int) -> None:
        """Remember the first signal, and see to it that the program ends."""
        if self.signum is None:
            self.signum = signum
            threading.Thread(target=self._end, daemon=True).start()

    def _end(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline or self.writing:
            if self.released:
                return
            time.sleep(0.05)
        print(f"{Interrupted(self.signum or 0).name}: {self.last_words}", file=sys.stderr)
        sys.stderr.flush()
        os._exit(128 + (self.signum or 0))


_held: Held | None = None


def hold() -> Held:
    """Hold signals back until `release`."""
    global _held
    _held = Held()
    return _held


def release() -> None:
    """Let signals stop the program again; one that came meanwhile does so now."""
    global _held
    held, _held = _held, None
    if held is not None:
        held.released = True
        if held.signum is not None:
            raise Interrupted(held.signum)


def drop() -> None:
    """Let signals stop the program again; one that came meanwhile is forgotten."""
    global _held
    if _held is not None:
        _held.released, _held = True, None


@contextmanager
def interruptible() -> Iterator[None]:
    """Within this, signals raise `Interrupted`, unless they are held; only in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = {s: signal.signal(s, _receive) for s in _SIGNALS}
    try:
        yield
    finally:
        for signum, handler in earlier.items():
            signal.signal(signum, handler)


def leave_signals_to_parent(*_: object) -> None:
    """In a helper process: outlive signals that a terminal or scheduler sends to the whole group.

    The parent still needs it to come to a place where nothing is lost; SIGTERM, which it may send
    itself, ends the helper after that.
    """
    for signum in _SIGNALS:
        signal.signal(signum, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end_later)


def _end_later(*_: object) -> None:
    timer = threading.Timer(_PATIENCE, os._exit, (0,))
    timer.daemon = True
    timer.start()


def tell_helpers(signum: int) -> None:
    """Pass a signal on to the processes that this one has started."""
    for process in multiprocessing.active_children():
        if process.pid is not None:
            os.kill(process.pid, signum)


def end_helpers() -> None:
    """Kill the processes that this one has started, before it ends early itself."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # torch would take their end for an accident
    for process in multiprocessing.active_children():
        process.kill()


def _receive(signum: int, _: FrameType | None) -> None:
    if _held is None:
        raise Interrupted(signum)
    _held.receive(signum)

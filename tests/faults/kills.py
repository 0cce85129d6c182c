"""Commands killed at random moments, and given again until they are through."""

import csv
import hashlib
import json
import random
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import forked
from place import Place, Row

from modular_cls import Predictor, Run
from modular_cls.errors import ModularClsError
from modular_cls.runs.weights import read_tensors

Check = Callable[[Path], object]  # what must be the same however often it was killed


@dataclass(frozen=True)
class Command:
    """A command that is killed.

    Attributes:
        name: What it is.
        arguments: For an output.
        again: Added when it is given again.
        whole: What it leaves once it is through.
        unfinished: Raises or returns after a kill; returns whether something finished is there.
        times: How many times as often as others it is killed.
        own_cache: Whether each round begins with nothing decoded, and no features.
    """

    name: str
    arguments: Callable[[Path], list[str]]
    again: list[str]
    whole: Check
    unfinished: Callable[[Path], bool]
    times: int = 1
    own_cache: bool = False


def result(folder: Path) -> object:
    """All that a run says but for how long it took; digests of its files are in it."""
    Run.load(folder)
    return {**json.loads((folder / "metrics.json").read_text()), "seconds": None}


def results(folder: Path) -> object:
    return {f.parent.name: result(f.parent) for f in sorted(folder.glob("[!.]*/metrics.json"))}


def digests(folder: Path) -> object:
    files = [f for f in sorted(folder.rglob("*")) if f.is_file()]
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def weights(folder: Path) -> object:
    """Of an export; the order of what its files say of themselves is no part of it."""
    Predictor.load(folder)
    files = sorted(folder.rglob("*.safetensors"))
    return {f.name: {n: t.tolist() for n, t in read_tensors(f)[0].items()} for f in files}


def table(folder: Path) -> object:
    with (folder / "table.csv").open() as file:
        return sorted(tuple(row.items()) for row in csv.DictReader(file))


def is_whole(load: Callable[[Path], object], marker: str) -> Callable[[Path], bool]:
    """After a kill: what says that it is finished can be loaded."""

    def look(folder: Path) -> bool:
        if not (folder / marker).is_file():
            return False
        load(folder)
        return True

    return look


def commands(place: Place) -> list[Command]:
    """The commands that write something."""
    run = place.run()
    pictures = [str(f) for f in sorted((place.faces / "test").glob("*.png"))]
    study = place.study()
    finished = is_whole(Run.load, "metrics.json")
    return [
        Command("train, training and finish", lambda out: place.train(out), ["--resume"], result, finished, times=3),
        Command("train, decoding", lambda out: place.train(out, "--training.updates=2"), ["--resume"], result, finished, own_cache=True),
        Command("study", lambda out: ["study", "--config", str(study), "--out", str(out)], [], results, lambda out: bool(results(out)) and False),
        Command("export", lambda out: ["export", str(run), "--no-onnx", "--out", str(out)], ["--overwrite"], weights, is_whole(Predictor.load, "modular_cls/model.json")),
        Command("predict", lambda out: ["predict", str(run), *pictures, "--out", str(out / "table.csv")], [], table, lambda out: False),
        Command("faces", lambda out: ["faces", "--out", str(out), "--per-class", "10"], ["--overwrite"], digests, lambda out: False),
    ]  # fmt: skip


def frozen_commands(place: Place) -> list[Command]:
    """The same on frozen features: extracting, solving, finishing, and what is made of the run."""
    run, study = place.frozen_run(), place.study(frozen=True)
    pictures = [str(f) for f in sorted((place.faces / "test").glob("*.png"))]
    finished = is_whole(Run.load, "metrics.json")
    return [
        Command("train, frozen, extraction and solving", lambda out: place.frozen(out), ["--resume"], result, finished, times=2, own_cache=True),
        Command("train, frozen, solving and finish", lambda out: place.frozen(out), ["--resume"], result, finished),
        Command("study, frozen", lambda out: ["study", "--config", str(study), "--out", str(out)], [], results, lambda out: bool(results(out)) and False, own_cache=True),
        Command("export of a frozen run", lambda out: ["export", str(run), "--no-onnx", "--out", str(out)], ["--overwrite"], weights, is_whole(Predictor.load, "modular_cls/model.json")),
        Command("predict by a frozen run", lambda out: ["predict", str(run), *pictures, "--out", str(out / "table.csv")], [], table, lambda out: False),
    ]  # fmt: skip


def kill(place: Place, commands: Sequence[Command], kills: int, seed: int = 0) -> Iterator[Row]:
    """Kill each command so often, at moments spread over the time that it takes."""
    rng = random.Random(seed)
    for command in commands:
        yield _killed(place, command, kills * command.times, rng)


def _killed(place: Place, command: Command, kills: int, rng: random.Random) -> Row:
    log, reference = place.fresh("log"), place.fresh("whole")
    environment = _cache(place, command)
    end = forked.run(command.arguments(reference), log, environment=environment)
    assert end.status == 0, end.told
    expected, seconds = command.whole(reference), end.seconds
    killed, rounds, wrong = 0, 0, []
    while killed < kills:
        out, again = place.fresh("out"), []
        environment = _cache(place, command)
        rounds += 1
        while True:
            # half of the rounds are left to come to their end, so that every stage is met
            after = rng.uniform(0, seconds) if killed < kills and rng.random() < 0.8 else None
            end = forked.run([*command.arguments(out), *again], log, after, environment=environment)
            if end.status != -signal.SIGKILL:
                break
            killed += 1
            again = command.again
            try:
                command.unfinished(out)
            except ModularClsError as error:
                wrong.append(f"passed for finished: {error}")
        if end.status or command.whole(out) != expected:
            wrong.append(
                f"status {end.status}: {end.told[-300:]}" if end.status else "not the same"
            )
        shutil.rmtree(out, ignore_errors=True)
    left = [f.name for f in place.root.iterdir() if f.name.startswith(".") and "partial" in f.name]
    return Row(
        "Killed at any moment, nothing is lost and nothing is half there",
        f"`{command.name}`: SIGKILL to all its processes at {killed} random moments, then the same command"
        + (f" and `{' '.join(command.again)}`" if command.again else ""),
        f"{rounds} rounds came to their end, {rounds - len(wrong)} equal to an uninterrupted one"
        + (f"; {len(left)} files of killed processes left over" if left else ""),
        not wrong,
        wrong,
    )


def _cache(place: Place, command: Command) -> dict[str, str]:
    return {"MODULAR_CLS_CACHE": str(place.fresh("cache"))} if command.own_cache else {}

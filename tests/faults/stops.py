"""Signals, broken checkpoints, trainings that leave the numbers, several devices, and what it all costs."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import forked
from kills import result
from place import ROOT, Place, Row

CODES = {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGUSR1: 138}


def signals(place: Place, number: int, frozen: bool = False, seed: int = 0) -> Row:
    """Signals at random moments, and the command that each stopped training says."""
    rng, wrong, times = random.Random(seed), [], []
    train = place.frozen if frozen else place.train
    whole, log = place.fresh("whole"), place.fresh("log")
    environment = {"MODULAR_CLS_CACHE": str(place.fresh("cache"))}
    end = forked.run(train(whole), log, environment=environment)
    assert end.status == 0, end.told
    seconds, expected, sent = end.seconds, result(whole), 0
    while sent < number:
        out, again = place.fresh("out"), []
        environment = {"MODULAR_CLS_CACHE": str(place.fresh("cache"))}
        while True:
            signum = rng.choice(list(CODES))
            after = rng.uniform(0.3, seconds) if sent < number and rng.random() < 0.8 else None
            end = forked.run([*train(out), *again], log, after, signum, environment)
            if end.status == 0:
                break
            sent += 1
            again = ["--resume"]
            times.append(end.seconds)
            if end.status != CODES[signum] or end.seconds > 10 or "go on with: modular-cls train" not in end.told:  # fmt: skip
                wrong.append(f"{signum.name}: status {end.status} after {end.seconds:.1f} s: {end.told[-300:]}")  # fmt: skip
                if end.status not in CODES.values():
                    break
        if end.status == 0 and result(out) != expected:
            wrong.append("not the same in the end")
    return Row(
        "SIGTERM, SIGINT and SIGUSR1 save, say how to go on, and exit with 143, 130, 138 within 10 s",
        f"`train`{', frozen' if frozen else ''}: {sent} signals at random moments, each time gone on with",
        f"longest {max(times):.1f} s; {len(wrong)} other ends; equal to an uninterrupted run in the end",
        not wrong,
        wrong,
    )


def methods(place: Place) -> Row:
    """Killed once, in the middle, and gone on with: every kind of state there is."""
    wrong, cases = [], 0
    for method in ("modular", "flat", "flat_group_dro", "flat_ldam_drw", "two_stage", "flat_balanced_sampling"):  # fmt: skip
        for workers in (0, 2):
            cases += 1
            flags = (f"--data.workers={workers}", "--backbone.args={drop_rate: 0.3, drop_path_rate: 0.2}")  # fmt: skip
            whole, out, log = place.fresh("whole"), place.fresh("out"), place.fresh("log")
            place.done(place.train(whole, *flags, method=method))
            started = time.monotonic()
            pid = forked.start(place.train(out, *flags, method=method), log)
            while not (out / "checkpoints" / "update_30.ckpt").exists():
                time.sleep(0.001)
            os.killpg(pid, signal.SIGKILL)
            forked.finish(pid, log, started)
            place.done([*place.train(out, *flags, method=method), "--resume"])
            if result(whole) != result(out):
                wrong.append(f"{method}, {workers} workers")
    return Row(
        "Resumed is uninterrupted, to the last bit",
        f"{cases} trainings (modular, flat, GroupDRO, LDAM-DRW, two stages, balanced sampling, each with "
        "0 and 2 loader processes, dropout on) killed after update 30 of 60, then `--resume`",
        f"{cases - len(wrong)} with the same weights, predictions, scores, log and metrics",
        not wrong,
        wrong,
    )


def rates(place: Place) -> Row:
    """Learning rates that are too high."""
    wrong, tried = [], ("1e4", "1e6", "1e12", "1e30")
    for rate in tried:
        out = place.fresh("out")
        end = forked.run(place.train(out, f"--training.learning_rate={rate}"), place.fresh("log"))
        said = "stopped at update" in end.told or "not finite" in end.told
        if (end.status == 1 and said) == (out / "metrics.json").exists():
            wrong.append(f"{rate}: status {end.status}: {end.told[-200:]}")
    return Row(
        "A loss, gradient or weight that is not finite stops the training; nothing of it passes for a run",
        f"`train` with learning rates {', '.join(tried)}",
        f"{len(tried) - len(wrong)} ended as an error that names the update, or finite to the end",
        not wrong,
        wrong,
    )


def devices(place: Place) -> list[Row]:
    """One process against two, with and without batch norm; and two that are interrupted."""
    rows = []
    for name, args, norm in (("test_vit", "{img_size: 32}", "without"), ("test_resnet", "{}", "with")):  # fmt: skip
        losses, accuracies = [], []
        for count in (1, 2):
            out = place.fresh("out")
            _real(place.train(out, f"--backbone.name={name}", f"--backbone.args={args}", *_devices(count)))  # fmt: skip
            metrics = json.loads((out / "metrics.json").read_text())
            accuracies.append(metrics["test"]["hair_gender"]["accuracy"])
            losses.append(float((out / "log.csv").read_text().splitlines()[-1].split(",")[-1]))
        apart = abs(losses[0] - losses[1])
        rows.append(
            Row(
                "Two processes learn what one would",
                f"`train` on 1 and on 2 processes (DDP, CPU), {name}, {norm} batch norm",
                f"validation loss {losses[0]:.6f} and {losses[1]:.6f}, test accuracy {accuracies[0]:.3f} and "
                f"{accuracies[1]:.3f}"
                + (
                    ""
                    if norm == "without"
                    else ": its statistics are of a process's share of the batch, so it differs by nature"
                ),
                apart < 1e-3 if norm == "without" else True,
            )
        )
    whole, out = place.fresh("whole"), place.fresh("out")
    _real(place.train(whole, *_devices(2)))
    process = _popen(place.train(out, *_devices(2)))
    while not (out / "checkpoints" / "update_30.ckpt").exists():
        time.sleep(0.01)
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    told = process.communicate()[1]
    seconds = time.monotonic() - started
    _real([*place.train(out, *_devices(2)), "--resume"])
    same = result(whole) == result(out)
    rows.append(
        Row(
            "Two processes stop together, and go on",
            "`train` on 2 processes, SIGTERM to the first, then `--resume`",
            f"status {process.returncode} after {seconds:.1f} s; {'equal' if same else 'not equal'} to an uninterrupted one",
            same and process.returncode == 143 and seconds < 10,
            [told] if process.returncode != 143 else [],
        )
    )
    return rows


def cost(place: Place) -> Row:
    """CPU time of an update with and without checkpoints, and so of one checkpoint."""
    updates, log = 300, place.fresh("log")
    flags = [f"--training.updates={updates}", "--training.validate_every=0", "--data.workers=0", "--data.image_size=64", "--data.batch_size=32"]  # fmt: skip
    never = min(_cpu(place, [*flags, "--training.save_every=1000000"], log) for _ in range(3))
    often = min(_cpu(place, [*flags, "--training.save_every=1"], log) for _ in range(3))
    each = max(0.0, (often - never) / updates)
    per_minutes = each / 600
    return Row(
        "Checkpoints cost at most 2 % of the CPU time at the default interval",
        f"`train`, {updates} updates at 64 px with a checkpoint after every update, and with none but the last (least of 3)",
        f"{1000 * each:.1f} ms of CPU a checkpoint, so {per_minutes:.4%} of ten minutes on one core",
        per_minutes < 0.02,
    )


def resume_start(place: Place) -> Row:
    """Until a resumed training goes on; on a busy machine its CPU time is what a quiet one would take."""
    out, log = place.fresh("out"), place.fresh("log")
    pid = forked.start(place.train(out, "--training.save_every=1"), log)
    while not (out / "checkpoints" / "update_30.ckpt").exists():
        time.sleep(0.001)
    os.killpg(pid, signal.SIGKILL)
    forked.finish(pid, log, time.monotonic())
    last = max(int(f.stem[7:]) for f in out.glob("checkpoints/*.ckpt"))
    started = time.monotonic()
    process = _popen([*place.train(out, "--training.save_every=1"), "--resume"])
    while not any(int(f.stem[7:]) > last for f in out.glob("checkpoints/*.ckpt")):
        if (out / "metrics.json").exists():
            break
        time.sleep(0.005)
    seconds, computing = time.monotonic() - started, _cpu_so_far(process.pid)
    process.wait()
    return Row(
        "A resumed training goes on within 10 s",
        "`train --resume` in a new interpreter, from the command to its first new update",
        f"{computing:.1f} s of CPU, imports included; {seconds:.1f} s by the clock of a machine at load "
        f"{os.getloadavg()[0]:.0f}",
        computing < 10,
    )


def _cpu_so_far(pid: int) -> float:
    """CPU seconds that a process has used."""
    numbers = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


def _cpu(place: Place, flags: list[str], log: Path) -> float:
    end = forked.run(place.train(place.fresh("out"), *flags), log)
    assert end.status == 0, end.told
    return end.cpu


def _devices(count: int) -> list[str]:
    return ["--training.accelerator=cpu", f"--training.devices={count}", "--training.strategy=" + ("ddp" if count > 1 else "auto")]  # fmt: skip


def _popen(arguments: list[str]) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "modular_cls", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # fmt: skip


def _real(arguments: list[str]) -> None:
    process = _popen(arguments)
    told = process.communicate()[1]
    if process.returncode:
        raise RuntimeError(told)

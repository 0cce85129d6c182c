"""What is kept of a frozen network, damaged: its features, its weights; and numbers that are none."""

import random
import shutil
from collections import Counter
from pathlib import Path

import forked
import torch
from damage import KINDS, spoil
from place import Place, Row
from small_networks import write_network

from modular_cls.runs.folder import read_weights

_CLOSE = 1e-2  # features made in other batches differ in their last bit of half precision


def shards(place: Place, number: int, seed: int = 0) -> Row:
    """Damage a file of the cache so often, and fit again: the same heads."""
    rng, wrong, said = random.Random(seed), [], Counter[str]()
    cache, whole = place.fresh("cache"), place.fresh("whole")
    _fit(place, whole, cache)
    expected, files = read_weights(whole), [f for f in sorted(cache.rglob("*")) if f.is_file()]
    for _ in range(number):
        copy, out = shutil.copytree(cache, place.fresh("copy")), place.fresh("out")
        file, kind = copy / rng.choice(files).relative_to(cache), rng.choice(KINDS)
        others = [f for f in files if f.suffix == file.suffix and f.name != file.name]
        spoil(file, kind, rng.choice(others or files), rng)
        end = _fit(place, out, copy)
        told = f"{kind}: {file.relative_to(copy)}"
        said["said" if "damaged" in end.told else "made anew or of no effect"] += 1
        if end.status or "Traceback" in end.told:
            wrong.append(f"{told}: status {end.status}: {end.told[-300:]}")
        elif (worst := _apart(expected, read_weights(out))) > _CLOSE:
            wrong.append(f"{told}: heads are {worst:.3g} apart, and not a word")
        elif _fit(place, out, copy, "--overwrite").told.count("damaged"):
            wrong.append(f"{told}: still damaged at the next start")
        shutil.rmtree(copy)
    return Row(
        "Kept features that are damaged are made anew, never believed",
        f"`train`, frozen: a file of its cache damaged {number} times (features, digests of pictures, "
        "weights; a byte, 64 zeroed bytes, truncated, text, empty, deleted, that of another), then twice more",
        ", ".join(f"{n} {end}" for end, n in sorted(said.items()))
        + f"; {len(wrong)} with other heads",
        not wrong,
        wrong,
    )


def not_finite(place: Place) -> Row:
    """Weights, and features, that are not finite."""
    wrong, numbers = [], ("nan", "inf", "1e30")
    for number in numbers:
        network, out = place.fresh("network"), place.fresh("out")
        write_network(network, seed=0)
        file = network / "pytorch_model.bin"
        weights = torch.load(file)
        last = [n for n in weights if n.endswith("weight") and not n.startswith("fc")][-1]
        weights[last] = torch.full_like(weights[last], float(number))
        torch.save(weights, file)
        arguments = place.frozen(out, f"--backbone.name=local-dir:{network}")
        end = forked.run(arguments, place.fresh("log"))
        if end.status != 1 or "finite" not in end.told or out.exists():
            wrong.append(f"{number}: status {end.status}: {end.told[-300:]}")
    return Row(
        "A weight or feature that is not finite ends the fit before anything is solved",
        f"`train`, frozen, on networks with weights of {', '.join(numbers)}",
        f"{len(numbers) - len(wrong)} refused by name",
        not wrong,
        wrong,
    )


def _fit(place: Place, out: Path, cache: Path, *flags: str) -> forked.End:
    environment = {"MODULAR_CLS_CACHE": str(cache)}
    return forked.run(place.frozen(out, *flags), place.fresh("log"), environment=environment)


def _apart(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """The largest difference of two sets of weights, as a part of the largest weight of each."""
    assert one.keys() == other.keys()
    parts = [float((one[n] - other[n]).abs().max() / one[n].abs().max().clamp(min=1)) for n in one]
    return max(parts)

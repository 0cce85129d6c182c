"""Map a predictor over a pool of processes.

Ray Data or Spark carry it in the same way, for it can be pickled.

    python examples/map_over_processes.py RUN_OR_EXPORT PICTURES [--processes 2]

RUN_OR_EXPORT is a folder that `modular-cls train` or `export` wrote, PICTURES a folder of pictures.
Prints one line a picture: its name, and each attribute and composite with the most probable class
and its probability. (For a table on disk that goes on where it was interrupted there is
`modular-cls predict`.)
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from modular_cls import Predictor

CHUNK = 64  # pictures; the predictor travels with each chunk
SUFFIXES = (".jpg", ".jpeg", ".png")


def main(arguments: list[str] | None = None) -> None:
    """Predict all pictures of a folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args(arguments)
    predictor = Predictor.load(given.model)
    files = sorted(p for p in given.pictures.iterdir() if p.suffix.lower() in SUFFIXES)
    chunks = [files[i : i + CHUNK] for i in range(0, len(files), CHUNK)]
    # Processes made anew: a copy of one that has computed with threads may wait for them forever.
    with ProcessPoolExecutor(given.processes, get_context("spawn")) as pool:
        for chunk, predicted in zip(chunks, pool.map(predictor, chunks), strict=True):
            for i, file in enumerate(chunk):
                told = (
                    f"{o}={predicted.names(o)[i]} {p[i].max():.3f}"
                    for o, p in predicted.probabilities.items()
                )
                print(file.name, *told, sep="\t")


if __name__ == "__main__":
    main()

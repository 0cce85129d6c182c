"""A study on the workers of a dask cluster, here one on this machine.

    pip install 'modular-cls[cluster]'
    python examples/study_on_dask.py GRID.yaml OUT [--workers 2]

GRID is a study's file (docs/studies.md), OUT its folder, which all workers must see. In place of
LocalCluster stands SLURMCluster or KubeCluster where there is one; a cluster that runs already is
`modular-cls study --cluster ADDRESS`. Prints what failed, if anything, and where the page is.
"""

import argparse
from pathlib import Path

import yaml
from distributed import Client, LocalCluster

from modular_cls import run_study
from modular_cls.report.page import write_report
from modular_cls.study.grid import Study


def main(arguments: list[str] | None = None) -> None:
    """Run what is not finished of the grid, then compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("grid", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args(arguments)
    study = Study(**yaml.safe_load(given.grid.read_text(encoding="utf-8")))
    with (
        LocalCluster(
            n_workers=given.workers, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        failures = run_study(study, given.out, client.get_executor())
    for failure in failures:
        print(f"failed: {failure}")
    write_report([given.out], given.out)
    print(f"written to {given.out / 'report.html'}")


if __name__ == "__main__":
    main()

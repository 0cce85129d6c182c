r"""A folder or a table of your own pictures -> a manifest, and the configuration that goes with it.

    python data_prep/photographs.py PICTURES --attributes hair gender --out data/photographs

PICTURES is a folder with one folder for each joint class (long_male/1.jpg ..., or one level of
folders for each attribute), or a CSV table with the columns path, hair and gender, and a split if
there is one. `make photographs PICTURES=... ATTRIBUTES="hair gender"` starts here. For all else
there are folders.py and table.py.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import folders
import table
import yaml

from modular_cls.data.manifest import read_table
from modular_cls.errors import ConfigError, ModularClsError
from modular_cls.files import replacing_file


def convert(pictures: Path, attributes: Sequence[str], out: Path) -> int:
    """Write `out/manifest.csv` and `out/mine.yaml`; return the converter's exit status.

    Args:
        pictures: A folder, or a table.
        attributes: What the parts of the folders' names are; or columns of the table.
        out: The folder to write to.

    Raises:
        ConfigError: If there are no such pictures, or fewer than two attributes are named.
    """
    if not pictures.exists():
        raise ConfigError(f"{pictures}: no such folder or table of pictures")
    if len(attributes) < 2:
        raise ConfigError(
            f"{pictures}: name at least two attributes, which the parts of the folders' names (or "
            f"columns of the table) are; found {', '.join(attributes) or 'none'} "
            '(make photographs ... ATTRIBUTES="hair gender")'
        )
    manifest = out / "manifest.csv"
    make = folders.main if pictures.is_dir() else table.main
    named = ["--attributes", *attributes] if pictures.is_dir() else _columns(pictures, attributes)
    if status := make([str(pictures), *named, "--out", str(manifest)]):
        return status
    root = pictures if pictures.is_dir() else pictures.parent
    with replacing_file(out / "mine.yaml") as file:
        file.write_text(_configuration(manifest, root, attributes), encoding="utf-8")
    print(f"their configuration is {out / 'mine.yaml'}")
    return 0


def _columns(pictures: Path, attributes: Sequence[str]) -> list[str]:
    words = [word for name in attributes for word in ("--attribute", f"{name}={name}")]
    return words + (["--split", "split"] if "split" in read_table(pictures).columns else [])


def _configuration(manifest: Path, root: Path, attributes: Sequence[str]) -> str:
    rows = read_table(manifest)
    values = {name: sorted(set(rows[name]) - {""}) for name in attributes}
    composites = {"_".join(attributes): {"attributes": list(attributes)}}
    data = {"manifest": str(manifest), "root": str(root), "scarcity": None}
    said = {"schema": {"attributes": values, "composites": composites}, "data": data}
    return yaml.safe_dump(said, sort_keys=False, default_flow_style=None, allow_unicode=True)


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line and return the exit status."""
    about = "A folder or a table of your own pictures -> a manifest and a configuration."
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("pictures", type=Path, help="folder of folders, or a CSV table")
    parser.add_argument("--attributes", nargs="*", default=[], metavar="NAME", help="two or more")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    options = parser.parse_args(arguments)
    try:
        return convert(options.pictures, options.attributes, options.out)
    except (ModularClsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

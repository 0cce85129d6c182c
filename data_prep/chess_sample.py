r"""The shipped sample of photographs -> a folder with a manifest.

    python data_prep/chess_sample.py --out data/chess_sample

612 public-domain crops of chess pieces, 64 px, colour x piece, that lie in chess_sample.zip beside
this file: of each of the 12 joint classes 20 for training, 6 for validation and 25 for testing,
whole games in one split, about one label in a hundred wrong. configs/data/chess_sample.yaml takes
the black queens out of training.
"""

import argparse
import sys
import zipfile
from pathlib import Path

from modular_cls.errors import ModularClsError
from modular_cls.files import new_folder

SAMPLE = Path(__file__).with_name("chess_sample.zip")
_MARKER = "manifest.csv"


def unpack(out: Path, overwrite: bool = False, sample: Path = SAMPLE) -> int:
    """Write the pictures and `manifest.csv`.

    Args:
        out: The folder.
        overwrite: Replace an earlier one; it stays until the new one is complete.
        sample: The zip file.

    Returns:
        The number of pictures.

    Raises:
        ModularClsError: If the sample is damaged.
        OutputExistsError: If the folder exists and may not be replaced.
    """
    with new_folder(out, overwrite, _MARKER) as folder:
        try:
            with zipfile.ZipFile(sample) as packed:
                packed.extractall(folder)
        except zipfile.BadZipFile as error:
            raise ModularClsError(
                f"{sample} is damaged: {error}; fetch the repository again"
            ) from None
        return len(list(folder.glob("*.jpg")))


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line and return the exit status."""
    parser = argparse.ArgumentParser(
        description="The shipped sample of photographs -> a folder with a manifest."
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an earlier one, once the new is complete"
    )
    options = parser.parse_args(arguments)
    try:
        count = unpack(options.out, options.overwrite)
    except (ModularClsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{count} pictures and their manifest are in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Market-1501 with attributes -> a manifest: hair and gender of pedestrians.

    python data_prep/market1501.py FOLDER --out data/market1501/manifest.csv

FOLDER holds market_attribute.mat (there or in attribute/) and the pictures in bounding_box_train/,
bounding_box_test/ and query/. Labels are those of a person; a picture's name begins with the
person's number. L. Zheng et al.: Scalable Person Re-identification, ICCV 2015; Y. Lin et al.:
Improving Person Re-identification by Attribute and Identity Learning, Pattern Recognition 2019.
"""

import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from annotations import check_values, chosen
from converter import NO_YES, Labels, command_line, make_manifest, run
from matlab import check_keys, read_mat, texts
from places import need
from splits import VALIDATION, draw_validation
from telling import listed, log

from modular_cls.data.manifest import SPLITS, Manifest
from modular_cls.data.picture_files import ENDINGS
from modular_cls.errors import ManifestError

PARTS = {"train": ("bounding_box_train",), "test": ("bounding_box_test", "query")}
# What the codes 1, 2 ... mean, by https://github.com/vana77/Market-1501_Attribute; others: no, yes.
VALUES = {
    "gender": ("male", "female"),
    "hair": ("short", "long"),
    "age": ("young", "teenager", "adult", "old"),
    "up": ("long", "short"),
    "down": ("long", "short"),
    "clothes": ("dress", "pants"),
}
NOBODY = {"-1": "junk", "0000": "distractors"}
_MAIN = ("hair", "gender")
_DOWNLOAD = (
    "download it from https://github.com/vana77/Market-1501_Attribute and put it in this folder"
)
_PERSON = re.compile(r"(-1|\d{4})_")


def convert(
    root: str | Path, also: Sequence[str] = (), validation: float = VALIDATION, seed: int = 0
) -> Manifest:
    """Convert Market-1501.

    Args:
        root: Folder of the data set.
        also: Other labels to take over; `all` for all.
        validation: Share of the training persons that become the validation split.
        seed: Which draw of these.

    Returns:
        The manifest. Pictures of nobody, or of persons without labels, are left out and counted.
        Without any folder of pictures, one row for each person.

    Raises:
        ManifestError: If the file is missing or malformed, or a label is unknown.
        ConfigError: If the share is out of its range.
    """
    root = Path(root)
    file = need(root, "market_attribute.mat", ("attribute", "Market-1501_Attribute"), _DOWNLOAD)
    content = read_mat(file)
    check_keys(file, content, ["market_attribute"])
    check_keys(file, content["market_attribute"], list(PARTS), "market_attribute")
    persons = {part: _persons(file, part, content["market_attribute"][part]) for part in PARTS}
    folders = (root / folder for folders in PARTS.values() for folder in folders)
    there = any(
        name.lower().endswith(ENDINGS) for f in folders if f.is_dir() for name in os.listdir(f)
    )
    rows = _pictures(root, persons) if there else _stand_ins(root, persons)
    parts = np.array([part for part, _, _ in rows])
    of_parts = []
    for part, people in persons.items():
        of_parts.append(people.loc[[who for p, _, who in rows if p == part]])
    codes = pd.concat(of_parts).fillna(0)
    known = list(codes.columns)
    labels = {
        name: _labels(name, codes[name].to_numpy())
        for name in (*_MAIN, *chosen(also, known, _MAIN, file))
    }
    identities = np.array([who for _, _, who in rows], dtype=object)
    splits = np.array([SPLITS.index(part) for part in parts])
    main = np.stack([labels[name].codes for name in _MAIN], axis=1)
    splits = draw_validation(splits, identities, main, validation, seed)
    return make_manifest(
        root, [path for _, path, _ in rows], splits, labels, {"identity": identities.tolist()}
    )


def _persons(file: Path, part: str, struct: Any) -> pd.DataFrame:
    """The codes of a part's labels, by name (their order differs), a row for each person."""
    where = f"market_attribute.{part}"
    check_keys(file, struct, ["image_index", *_MAIN], where)
    names = [who.zfill(4) for who in texts(struct["image_index"])]
    columns = {n: np.atleast_1d(codes) for n, codes in struct.items() if n != "image_index"}
    wrong = [
        f"{where}.{n}: {len(c)} values for {len(names)} persons"
        for n, c in columns.items()
        if c.shape != (len(names),)
    ]
    if wrong:
        raise ManifestError(file, wrong)
    for name, codes in columns.items():
        accepted = range(1, 1 + len(VALUES.get(name, NO_YES)))
        check_values(file, codes[:, None], accepted, [f"{where}.{name}"], names, "person")
    table = pd.DataFrame(columns, index=names)
    if repeated := table.index[table.index.duplicated()].tolist():
        raise ManifestError(
            file, [f"{where}.image_index: person {who} is there twice" for who in repeated]
        )
    return table.sort_index(axis=1)


def _labels(name: str, codes: np.ndarray) -> Labels:
    values = VALUES.get(name, NO_YES)
    if name == "gender":  # female comes first, as everywhere
        return Labels(values[::-1], 2 - codes.astype(np.int16))
    return Labels(values, codes.astype(np.int16) - 1)


def _pictures(root: Path, persons: dict[str, pd.DataFrame]) -> list[tuple[str, str, str]]:
    """Part, path and person of every picture of somebody with labels, in order of part and path."""
    rows: list[tuple[str, str, str]] = []
    left_out: Counter[str] = Counter()
    folders = [(part, folder) for part, names in PARTS.items() for folder in names]
    for part, folder in folders:
        names = sorted(os.listdir(root / folder)) if (root / folder).is_dir() else []
        for name in (n for n in names if n.lower().endswith(ENDINGS)):
            person = _PERSON.match(name)
            who = person[1] if person else ""
            if who in persons[part].index and who not in NOBODY:
                rows.append((part, f"{folder}/{name}", who))
            else:
                left_out[
                    NOBODY.get(
                        who, "persons without labels" if person else "names that tell no person"
                    )
                ] += 1
    for why, count in left_out.items():
        log.info("pictures left out, %s: %s", why, f"{count:,}")
    if missing := [folder for _, folder in folders if not (root / folder).is_dir()]:
        log.warning(
            "no folder %s under %s: its pictures are not in the manifest", listed(missing), root
        )
    return rows


def _stand_ins(root: Path, persons: dict[str, pd.DataFrame]) -> list[tuple[str, str, str]]:
    """One row for each person, where there are no pictures."""
    log.warning(
        "no pictures under %s: each row stands for a person, and its path for no file", root
    )
    return [
        (part, f"{PARTS[part][0]}/{who}", who)
        for part, table in persons.items()
        for who in table.index
    ]


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = command_line("Market-1501 with attributes -> hair and gender of pedestrians.")
    parser.add_argument(
        "--validation", type=float, default=VALIDATION, help="share of the training persons for it"
    )
    parser.add_argument("--seed", type=int, default=0, help="which draw of the validation persons")
    return run(
        parser,
        lambda options: convert(options.root, options.also, options.validation, options.seed),
        arguments,
    )


if __name__ == "__main__":
    sys.exit(main())

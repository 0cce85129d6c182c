"""Small invented data sets in the very formats of the real ones, quirks included, and how tests convert them."""

import numpy as np
import pandas as pd
import scipy.io

PICTURE = b"not empty"  # converters look at names and bytes only


def converted(main, root, *arguments):
    """The manifest that a converter writes, as a table of text."""
    out = root.parent / "manifest.csv"
    assert main([str(root), "--out", str(out), *arguments]) == 0
    return pd.read_csv(out, dtype=str, keep_default_na=False)


def refused(main, root, capsys, *arguments):
    """What a converter says that refuses; it writes nothing."""
    out = root.parent / "refused.csv"
    capsys.readouterr()
    assert main([str(root), "--out", str(out), *arguments]) == 1
    assert not out.exists()
    return capsys.readouterr().err


def write_pictures(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(PICTURE)


CELEBA_LABELS = ("5_o_Clock_Shadow", "Blond_Hair", "Male", "Young")
CELEBA = [  # one picture a row: the labels above, split, identity
    ((-1, 1, -1, 1), 0, 7), ((-1, -1, 1, 1), 0, 2880), ((1, -1, 1, -1), 0, 7), ((-1, 1, 1, 1), 0, 3),
    ((-1, -1, -1, 1), 1, 4), ((-1, 1, -1, -1), 2, 5), ((1, -1, 1, 1), 2, 6),
]  # fmt: skip


def celeba(root, pictures=True, identities=True):
    """Line ends of Windows, a blank after the header, numbers set flush right."""
    root.mkdir(parents=True)
    names = [f"{i:06d}.jpg" for i in range(1, len(CELEBA) + 1)]
    rows = [
        f"{n} " + " ".join(f"{v:2d}" for v in labels)
        for n, (labels, _, _) in zip(names, CELEBA, strict=True)
    ]
    lines = [str(len(CELEBA)), " ".join(CELEBA_LABELS) + " ", *rows, ""]
    (root / "list_attr_celeba.txt").write_bytes("\r\n".join(lines).encode())
    lines = [f"{n} {split}" for n, (_, split, _) in zip(names, CELEBA, strict=True)]
    (root / "list_eval_partition.txt").write_bytes("\r\n".join([*lines, ""]).encode())
    if identities:
        lines = [f"{n} {identity}\n" for n, (_, _, identity) in zip(names, CELEBA, strict=True)]
        (root / "identity_CelebA.txt").write_text("".join(lines))
    if pictures:
        write_pictures(root / "img_align_celeba", names)
    return root


def cells(items, row=False):
    """A cell array: a column, or a row."""
    array = np.empty((len(items), 1), dtype=object)
    for i, item in enumerate(items):
        array[i, 0] = item
    return array.T if row else array


MARKET = {  # person: gender, hair, age, hat, up; codes as in the file
    "train": {
        "0002": (1, 1, 3, 1, 1),
        "0007": (2, 2, 2, 2, 2),
        "0010": (1, 2, 4, 1, 2),
        "0011": (2, 1, 1, 1, 1),
    },
    "test": {"0001": (2, 2, 3, 2, 2), "0003": (1, 1, 2, 1, 1)},
}
MARKET_FIELDS = ("gender", "hair", "age", "hat", "up")
MARKET_PICTURES = {
    "bounding_box_train": ("0002_c1s1_000451_03.jpg", "0002_c2s1_000452_01.jpg", "0007_c3s3_077419_03.jpg",
                           "0010_c6s3_077392_01.jpg", "0011_c1s1_000001_01.jpg"),
    "bounding_box_test": ("-1_c1s1_000401_03.jpg", "0000_c1s1_000151_01.jpg", "0000_c1s1_000376_03.jpg",
                          "0001_c1s1_001051_00.jpg", "0003_c1s1_002051_00.jpg", "0004_c1s1_002051_00.jpg", "Thumbs.db"),
    "query": ("0001_c2s1_000301_00.jpg",),
}  # fmt: skip


def write_market(root, change=lambda part, fields: fields):
    """Fields in another order in each part; `change` may spoil them."""
    parts = {}
    for part, persons in MARKET.items():
        fields = {
            n: np.array([[p[i] for p in persons.values()]], np.uint8)
            for i, n in enumerate(MARKET_FIELDS)
        }
        names = list(fields) if part == "train" else list(reversed(fields))
        ordered = {n: fields[n] for n in names} | {"image_index": cells(list(persons), row=True)}
        parts[part] = change(part, ordered)
    scipy.io.savemat(root / "market_attribute.mat", {"market_attribute": parts})
    return root


def market1501(root, pictures=True):
    root.mkdir(parents=True)
    for folder, names in MARKET_PICTURES.items():
        if pictures:
            write_pictures(root / folder, names)
    return write_market(root)


PETA_LABELS = ("hairLong", "personalFemale", "personalMale", "hairShort", "upperBodyRed")
PETA = [  # one picture a row: person, source, then the labels above
    (11, 1, 1, 1, 0, 0, 1), (11, 1, 1, 1, 0, 0, 0), (12, 1, 0, 0, 1, 1, 0), (13, 2, 0, 0, 1, 0, 1),
    (14, 2, 1, 1, 0, 1, 0), (15, 2, 1, 0, 0, 0, 1), (16, 10, 0, 1, 1, 1, 0), (17, 10, 1, 0, 1, 0, 0),
]  # fmt: skip
PETA_PARTITIONS = [
    {"train": (1, 3, 4, 5), "val": (6,), "test": (2, 7, 8)},
    {"train": (2, 1, 5, 8), "val": (3, 4), "test": (6, 7)},
]


def write_peta(root, rows=PETA, labels=PETA_LABELS, partitions=PETA_PARTITIONS, **change):
    """A struct; the indices of splits are columns, from 1; `change` replaces fields, or leaves out what is None."""
    data = np.array(
        [(i, person, source, 7, *values) for i, (person, source, *values) in enumerate(rows, 1)],
        np.uint16,
    )
    splits = [
        {name: np.array([numbers], np.uint16).T for name, numbers in p.items()} for p in partitions
    ]
    peta = {"data": data, "attribute": cells(labels), "selected_attribute": np.array([[1, 2]], np.uint8),
            "partion_attribute": cells(splits), **change}  # fmt: skip
    scipy.io.savemat(
        root / "PETA.mat",
        {"peta": {name: field for name, field in peta.items() if field is not None}},
    )
    return root


def peta(root, pictures=True):
    root.mkdir(parents=True)
    if pictures:
        write_pictures(root / "images", [f"{i:05d}.png" for i in range(1, len(PETA) + 1)])
    return write_peta(root)


PA100K_LABELS = ("Female", "AgeOver60", "Hat", "Skirt&Dress")
PA100K = {
    "train": {"000001.jpg": (1, 0, 0, 1), "000002.jpg": (0, 1, 0, 0), "000003.jpg": (1, 0, 1, 0)},
    "val": {"000004.jpg": (0, 0, 0, 0), "000005.jpg": (0, 0, 1, 1)},
    "test": {"": (1, 1, 1, 1), "000006.jpg": (1, 0, 0, 0)},
}


def write_pa100k(root, labels=PA100K_LABELS, **change):
    """Columns of cells; a test row has no name, one key is there twice, once misspelt; `change` as for PETA."""
    found = {"attributes": cells(labels), "test_image_name": cells(["000006.jpg"])}
    for part, rows in PA100K.items():
        found[f"{part}_images_name"] = cells(list(rows))
        found[f"{part}_label"] = np.array(list(rows.values()), np.uint8)
    scipy.io.savemat(
        root / "annotation.mat", {n: v for n, v in {**found, **change}.items() if v is not None}
    )
    return root


def pa100k(root, pictures=True):
    root.mkdir(parents=True)
    if pictures:
        write_pictures(root / "data", [name for rows in PA100K.values() for name in rows if name])
    return write_pa100k(root)


BERKELEY_LABELS = ("is_male", "has_long_hair", "has_glasses", "has_hat", "has_t-shirt", "has_long_sleeves", "has_shorts",
                   "has_jeans", "has_long_pants")  # fmt: skip
BERKELEY = {  # box, then the labels above
    "train": [("10 20 30.5 40", (1, -1, 0, 0, 1, -1, 0, 0, 0)), ("NaN NaN NaN NaN", (-1, 1, 1, 0, 0, 0, 0, 0, -1)),
              ("-3 0 50 80", (0, 1, 0, 0, 0, 0, 1, 0, 0)), ("1.25 2 3 4", (1, 0, -1, -1, -1, -1, -1, -1, -1))],
    "test": [("5 6 0 8", (1, 1, 0, 1, 0, 0, 0, 0, 0)), ("5 6 7 8", (-1, -1, 0, 0, 0, 0, 0, 0, 0))],
}  # fmt: skip


def berkeley_lines(part):
    """Numbers padded with blanks, to the left of a line as well."""
    rows = enumerate(BERKELEY[part], 1)
    return [
        f"  {i:05d}.jpg  {box.replace(' ', '   ')} " + "".join(f"{v:3d}" for v in labels) + "  \n"
        for i, (box, labels) in rows
    ]


def berkeley(root, pictures=True, parts=("train", "test")):
    for part in parts:
        (root / part).mkdir(parents=True)
        (root / part / "labels.txt").write_text("".join(berkeley_lines(part)))
        if pictures:
            write_pictures(root / part, [f"{i:05d}.jpg" for i in range(1, 1 + len(BERKELEY[part]))])
    return root


UTKFACE = {  # name: age, gender, race
    "1_0_0_20161219140623097.jpg.chip.jpg": (1, "male", "white"),
    "12_1_4_20170104005429510.jpg.chip.jpg": (12, "female", "other"),
    "13_1_1_20170116174525125.jpg.chip.jpg": (13, "female", "black"),
    "26_0_2_20170116184028385.jpg.chip.jpg": (26, "male", "asian"),
    "30_1_3_20170117190000000.jpg.chip.jpg": (30, "female", "indian"),
    "61_1_20170109142408075.jpg.chip.jpg": (61, "female", ""),  # no race
    "62_0__20170109142408075.jpg.chip.jpg": (62, "male", ""),
    "116_0_0_20170112213500903.jpg.chip.jpg": (116, "male", "white"),
    "24_0_1_20170116220224657 .jpg.chip.jpg": (24, "male", "black"),
}
UTKFACE_STRANGE = (
    "53__0_20170116184028385.jpg",
    "61_3_20170109150557335.jpg.chip.jpg",
    "25_0_7_20170116184028385.jpg",
    "face.jpg",
)


def utkface(root, pictures=True, folder="UTKFace"):
    names = [*UTKFACE, *UTKFACE_STRANGE]
    if pictures:
        for i, name in enumerate(names):
            write_pictures(root / folder, [name])
            (root / folder / name).write_bytes(PICTURE + bytes([i]))
    else:
        root.mkdir(parents=True)
        (root / "names.txt").write_bytes("\r\n".join([*names, ""]).encode())
    return root


def folders(
    root, classes=("short_female", "short_male", "long_female", "long_male"), splits=(), each=5
):
    for split in splits or ("",):
        for name in classes:
            write_pictures(root / split / name, [f"{i}.jpg" for i in range(each)])
    return root

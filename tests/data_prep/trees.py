"""Small invented data sets in the very formats of the real ones, quirks included, and how tests convert them."""

import pandas as pd

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
    rows = [f"{n} " + " ".join(f"{v:2d}" for v in labels) for n, (labels, _, _) in zip(names, CELEBA, strict=True)]
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

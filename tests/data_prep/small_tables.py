"""Small tables for the converter, written in many ways."""

import csv

import pandas as pd
import table

HAIR, GENDER = ("--attribute", "hair=hair"), ("--attribute", "gender=gender")


def rows():
    return [{"path": f"a/{i}.png", "hair": ("short", "long")[i % 2], "gender": ("female", "male")[i // 2 % 2]}
            for i in range(12)]  # fmt: skip


def write(file, lines, **form):
    encoding = form.pop("encoding", "utf-8")
    with file.open("w", newline="", encoding=encoding) as out:
        writer = csv.DictWriter(out, list(lines[0]), **form)
        writer.writeheader()
        writer.writerows(lines)
    return file


def run(folder, *arguments):
    """Exit status, and the manifest, if one is written."""
    out = folder / "m.csv"
    out.unlink(missing_ok=True)
    try:
        status = table.main([*map(str, arguments), "--out", str(out)])
    except SystemExit as end:
        status = end.code
    return status, pd.read_csv(out, dtype=str, keep_default_na=False) if out.exists() else None


def converted(folder, lines, *arguments, **form):
    status, frame = run(folder, write(folder / "t.csv", lines, **form), *arguments)
    assert status == 0
    return frame


def refused(capsys, folder, lines, *arguments, **form):
    status, frame = run(folder, write(folder / "t.csv", lines, **form), *arguments)
    assert status in (1, 2)
    assert frame is None
    return capsys.readouterr().err


def with_column(name, cells):
    return [row | {name: cells[i % len(cells)]} for i, row in enumerate(rows())]

"""Every row of docs/tables.md does what it says."""

import csv
import re
import shlex
from contextlib import suppress
from pathlib import Path

import folders
import pytest
import table

from tests.data_prep.trees import write_pictures

PAGE = Path(__file__).parent.parent.parent / "docs" / "tables.md"
SPLITS = {"train": 50, "validation": 8, "test": 12}
HG = "--attribute hair=hair --attribute gender=gender"
ROW = re.compile(r"^\| ([^|`]+) \| `([^`]+)` \| (.+) \|$", re.MULTILINE)
ROWS = ROW.findall(PAGE.read_text(encoding="utf-8"))


def faces():
    """Rows as those of the built-in faces with 50 of each joint class."""
    return [{"path": f"{split}/{hair}_{gender}_{i:05d}.png", "split": split, "hair": hair, "gender": gender}
            for split, count in SPLITS.items() for hair in ("short", "long") for gender in ("female", "male")
            for i in range(count)]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder, rows = tmp_path_factory.mktemp("docs"), faces()
    write_pictures(folder, [row["path"] for row in rows])
    write_pictures(
        folder / "nested",
        [f"{r['hair']}/{r['gender']}/{r['split']}_{r['path'][-9:]}" for r in rows],
    )
    codes = [list(SPLITS).index(row["split"]) for row in rows]

    def write(name, header, cells, some=rows, encoding="utf-8", **form):
        with (folder / name).open("w", newline="", encoding=encoding) as file:
            writer = csv.writer(file, **form)
            writer.writerow(header)
            writer.writerows([*cells(i, row)] for i, row in enumerate(some))

    plain, three = lambda i, r: (r["path"], r["hair"], r["gender"]), ["file", "hair", "gender"]
    write("labels.csv", three, plain)
    write(
        "bits.csv",
        ["file", *"abcdefghijkl"],
        lambda i, r: (r["path"], *format(i * 2654435761 % 4096, "012b")),
    )
    write(
        "persons.csv",
        [*three, "person"],
        lambda i, r: (*plain(i, r), f"p{i % 30}" if i % 2 else ""),
    )
    write("codes.csv", [*three, "part"], lambda i, r: (*plain(i, r), codes[i]))
    write(
        "words.csv",
        [*three, "part"],
        lambda i, r: (*plain(i, r), ("training", "Dev", "TEST")[codes[i]]),
    )
    write("parts.csv", ["file", "part"], lambda i, r: (r["path"], codes[i]))
    for n, (name, split) in enumerate(zip(("train", "val", "test"), SPLITS, strict=True), start=1):
        for file in (f"{name}.csv", f"{n}.csv"):
            write(file, three, plain, [r for r in rows if r["split"] == split])
    write("numbers.csv", ["file", "long", "male"], lambda i, r: (
        r["path"], "NaN" if i % 10 == 0 else float(r["hair"] == "long"), (int, float, bool)[i % 3](r["gender"] == "male")
    ))  # fmt: skip
    write(
        "alike.csv",
        three,
        lambda i, r: (r["path"], r["hair"].upper() if i == 7 else r["hair"], r["gender"]),
    )
    write(
        "covered.csv",
        three,
        lambda i, r: (r["path"], "covered" if i % 10 == 0 else r["hair"], r["gender"]),
    )
    (folder / "twice.csv").write_text("file,hair,hair\ntrain/long_male_00000.png,long,x\n")
    (folder / "short.csv").write_text("file,hair,gender\ntrain/long_male_00000.png,long\n")
    write("onehot.csv", ["file", "hair_short", "hair_long"], lambda i, r: (
        r["path"], int(r["hair"] == "short"), int(r["hair"] == "long" and i != 150)
    ))  # fmt: skip
    write(
        "tags.csv",
        ["file", "tags"],
        lambda i, r: (r["path"], f"{r['hair']};{r['gender']}" + (";smile" if i % 3 else "")),
    )
    write("ages.csv", ["file", "hair", "age"], lambda i, r: (r["path"], r["hair"], 20 + i % 50))
    write(
        "ids.csv",
        ["id", "hair", "gender"],
        lambda i, r: (r["path"][:-4].replace("/", "\\"), r["hair"], r["gender"]),
    )
    men = [r for r in rows if r["path"].startswith("train/long_male")]
    write("flat.csv", [*three, "n"], lambda i, r: (r["path"][6:], *plain(i, r)[1:], i % 2), men)
    umlauts = {"short": "kürzer", "long": "länger"}
    changed = lambda i, r: (r["path"], umlauts[r["hair"]], r["gender"])  # noqa: E731
    write("excel.csv", three, changed, encoding="cp1252", delimiter=";")
    write("utf16.csv", three, changed, encoding="utf-16", delimiter="\t")
    return folder


def test_the_page_has_rows():
    assert len(ROWS) > 30


@pytest.mark.parametrize(("problem", "command", "result"), ROWS, ids=[row[0] for row in ROWS])
def test_a_row(folder, monkeypatch, capsys, problem, command, result):
    monkeypatch.chdir(folder)
    words = shlex.split(command.replace("HG", HG))
    main = folders.main if words[0] == "folders.py" else table.main
    with suppress(SystemExit):
        main([*(words[1:] if words[0] == "folders.py" else words), "--out", "m.csv"])
    told = capsys.readouterr()
    for text in re.findall("`([^`]+)`", result):
        assert text in told.err + told.out

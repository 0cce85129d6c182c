"""Every row of docs/questions.md on problems that are no product does what it says."""

import csv
import re
import shlex
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from modular_cls.cli import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
SECTION = PAGE.split("## Problems that are not two attributes and their product\n")[1].split("\n## ")[0]  # fmt: skip
ROWS = re.findall(r"^\| ([^|`]+) \| `([^`]+)` \| (.+) \|$", SECTION, re.MULTILINE)
FILES = re.findall(r"^```yaml\n# (\S+\.yaml)\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
TINY = (
    f"--config {ROOT / 'configs' / 'modular.yaml'} --data.root faces --data.scarcity null --data.image_size 32 "
    "--data.workers 0 --data.batch_size 16 --training.updates 3 --training.validate_every 0 --overwrite"
)


@pytest.fixture(scope="module")
def folder(faces_dir, pretrained_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("questions")
    (folder / "faces").symlink_to(faces_dir)
    network = {"name": f"local-dir:{pretrained_dir}", "pretrained": True, "frozen": True, "args": {}}  # fmt: skip
    (folder / "frozen.yaml").write_text(yaml.safe_dump({"backbone": network}))
    for name, text in FILES:
        (folder / name).write_text(text, encoding="utf-8")
    with (faces_dir / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))

    def write(name, columns, labels):
        with (folder / name).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["path", "split", *columns])
            for i, row in enumerate(rows):
                writer.writerow([row["path"], row["split"], *labels(i, row)])

    one = lambda i, r: (r["hair"], "") if i % 2 else ("", r["gender"])  # noqa: E731
    both = ["hair", "gender"]
    write("apart.csv", both, one)
    write("partly.csv", both, lambda i, r: one(i, r) if i % 4 else (r["hair"], r["gender"]))
    forty = [f"a{i}" for i in range(40)]
    write("forty.csv", forty, lambda i, r: format(i * 2654435761 % 2**40, "040b"))
    attributes = {name: ["0", "1"] for name in forty}
    for name, composites in (
        ("forty", {"a0_a1": ["a0", "a1"], "a2_a1": ["a2", "a1"], "far": ["a7", "a30"]}),
        ("all_forty", {"all": forty}),
    ):
        asked = {n: {"attributes": names} for n, names in composites.items()}
        spec = {"schema": {"attributes": attributes, "composites": asked}}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
    species = {"short_female": "gull", "long_male": "tern"}
    birds = lambda r: species.get(f"{r['hair']}_{r['gender']}", "auk")  # noqa: E731
    write(
        "species.csv",
        [*both, "species"],
        lambda i, r: (r["hair"], r["gender"], birds(r)),
    )
    longer = lambda i, r: "medium" if r["hair"] == "long" and i % 3 == 0 else r["hair"]  # noqa: E731
    women = [r for r in rows if (r["hair"], r["gender"]) != ("long", "male")]
    write("medium.csv", both, lambda i, r: (longer(i, r) if r in women else r["hair"], r["gender"]))
    write("shared.csv", "abc", lambda i, r: (f"a{i % 4}", f"b{i * 7 % 9}", f"c{i * 3 % 8}"))
    return folder


def test_the_section_has_rows():
    assert len(ROWS) >= 7
    assert len(FILES) >= 2


@pytest.mark.parametrize(("problem", "command", "result"), ROWS, ids=[row[0] for row in ROWS])
def test_a_row(folder, monkeypatch, capsys, problem, command, result):
    monkeypatch.chdir(folder)
    words = command.replace("FROZEN", "TINY --config frozen.yaml")
    words = words.replace("FLAT", TINY.replace("modular.yaml", "flat.yaml")).replace("TINY", TINY)
    with suppress(SystemExit):
        main(shlex.split(words))
    told = capsys.readouterr()
    for text in re.findall("`([^`]+)`", result):
        assert text in " ".join((told.err + told.out).split())

"""Every marked number of README and docs/results is read against the CSV that it names."""

import csv
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from from_csv import PAGES, Results, main, rewritten

from modular_cls.runs.score_table import MISSING

ROOT = Path(__file__).parents[2]


def test_every_marked_number_and_table_is_what_its_csv_says(capsys):
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_the_pages_hold_many_marked_numbers():
    texts = [p.read_text() for pages in PAGES for p in ROOT.glob(pages)]
    assert sum(len(re.findall(r"\d(?: %)?<!-- [\w/:]+ ", text)) for text in texts) > 80
    assert sum(text.count("<!-- table ") + text.count("<!-- answers ") for text in texts) >= 8


@pytest.fixture
def checkout(tmp_path):
    """A small copy: one folder of results, without intervals unless a test writes some."""
    shutil.copytree(
        ROOT / "docs/results/faces",
        tmp_path / "docs/results/faces",
        ignore=shutil.ignore_patterns("*.png", "intervals.csv", "match.csv"),
    )
    return tmp_path


def by_hand(folder, method, keep, score):
    with (folder / "results.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if (r["method"], r["keep"]) == (method, keep)]
    return {r["seed"]: 100 * float(r[score]) for r in rows}


def test_numbers_are_those_of_the_rows(checkout):
    text = "0<!-- faces modular 0 rare -->, +0.00<!-- faces modular-flat all -->, 0.0<!-- faces modular all-0 worst -->"
    found, problems = rewritten(text, Results(checkout))
    folder = checkout / "docs/results/faces"
    ours, theirs = (by_hand(folder, m, "all", "balanced_accuracy") for m in ("modular", "flat"))
    difference = np.mean([ours[s] - theirs[s] for s in ours if s in theirs])
    full, none = (by_hand(folder, "modular", k, "worst_class_recall") for k in ("all", "0"))
    gap = np.mean([full[s] - none[s] for s in full])
    rare = np.mean(list(by_hand(folder, "modular", "0", "rare_class_recall").values()))
    assert problems == []
    assert re.sub(r"<!--.*?-->", "", found) == f"{rare:.0f}, {difference:+.2f}, {gap:.1f}"


def test_a_wrong_number_is_named_and_written_anew(checkout, capsys):
    page = checkout / "README.md"
    right, _ = rewritten("It finds 1.0 ± 1.0<!-- faces modular 0 --> %.\n", Results(checkout))
    page.write_text("It finds 99.0 ± 1.0<!-- faces modular 0 --> %.\n")
    assert main(["--check", "--root", str(checkout)]) == 1
    assert "README.md:1: it says" in capsys.readouterr().err
    assert main(["--root", str(checkout)]) == 0
    assert page.read_text() == right
    assert main(["--check", "--root", str(checkout)]) == 0


def test_numbers_follow_their_csv(checkout):
    text = "50.0<!-- faces flat 5 --> and ahead by 50.0<!-- faces modular-flat 5 -->"
    file = checkout / "docs/results/faces/results.csv"
    before, _ = rewritten(text, Results(checkout))
    rows = list(csv.DictReader(file.open()))
    for row in rows:
        if (row["method"], row["keep"]) == ("flat", "5"):
            row["balanced_accuracy"] = "0.5"
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    after, _ = rewritten(text, Results(checkout))
    assert after.startswith("50.0<!-- faces flat 5 -->")
    assert after != before


def test_intervals_of_the_page_come_first(checkout):
    header = "composite,method,minus,keep,score,seeds,over,mean,half,p\n"
    rows = "hair_gender,modular,,0,balanced_accuracy,5,seeds and images,0.9,0.03,0\n"
    rows += "hair_gender,modular,flat,0,balanced_accuracy,5,seeds and images,-0.1,0.04,0\n"
    (checkout / "docs/results/faces/intervals.csv").write_text(header + rows)
    text = "1.0 ± 1.0<!-- faces modular 0 --> and 1 ± 1.0<!-- faces modular-flat 0 -->"
    found, _ = rewritten(text, Results(checkout))
    assert re.sub(r"<!--.*?-->", "", found) == "90.0 ± 3.0 and -10 ± 4.0"


def test_a_table_and_the_answers_are_made(checkout):
    what = "faces methods=modular,flat_retrained keeps=0,5,all scores=balanced,rare difference"
    text = f"<!-- table {what} -->\nold\n<!-- end -->\n\n<!-- answers faces -->\n<!-- end -->\n"
    found, problems = rewritten(text, Results(checkout))
    assert problems == []
    lines = found.splitlines()
    assert "| method | k = 0 | k = 5 | all |" in lines
    assert any(line.startswith("| **modular** | 9") for line in lines)
    assert any(line.startswith(f"| flat_retrained | {MISSING} |") for line in lines)
    assert any(re.match(r"\| modular minus best flat, paired \| \+\d", line) for line in lines)
    head = re.compile(
        r"\| \[faces\]\(faces/report\.md\)<br>\d+ seeds \| 0 \| \d+\.\d ± \d+\.\d / \d+ \|"
    )
    answer = next(line for line in lines if head.match(line))
    assert re.search(r" \(.+ to .+\)<br>flat_\w+ \|$", answer)
    assert rewritten(found, Results(checkout))[0] == found


def test_a_summary_shows_others_beside_modular_and_the_best_flat(checkout):
    head = "<!-- summary keeps=0,5 also=additive_learned faces=drawn faces -->"
    found, problems = rewritten(f"{head}\n<!-- end -->\n", Results(checkout))
    assert problems == []
    names = [line.split(" | ")[0] for line in found.splitlines() if line.startswith("| drawn")]
    others = ("**modular**", "additive_learned", "best flat")
    assert names == [f"| drawn faces, {other}" for other in others]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("facs modular 0", "docs/results has no facs"),
        ("faces modullar 0", "faces has no modullar"),
        ("faces modular 3", "faces has no k = 3"),
        ("faces modular 0 rarest", "no score 'rarest'"),
        ("faces modular", "a marker is"),
        ("faces flat_retrained 0", "there is no such number"),
    ],
)
def test_a_marker_that_names_nothing_is_an_error(cell, message, checkout, capsys):
    (checkout / "README.md").write_text(f"1.0<!-- {cell} -->\n")
    assert main(["--check", "--root", str(checkout)]) == 1
    assert message in capsys.readouterr().err


def test_a_number_of_the_bench_is_its_median(tmp_path):
    (tmp_path / "docs/results/bench").mkdir(parents=True)
    (tmp_path / "docs/results/bench/bench.csv").write_text("name,median\na: b / c,1.4567\n")
    text = "Takes 9.9<!-- bench a: b / c --> times as long, 9<!-- bench a -->."
    found, problems = rewritten(text, Results(tmp_path))
    assert found == "Takes 1.5<!-- bench a: b / c --> times as long, 9<!-- bench a -->."
    assert len(problems) == 1
    assert "bench.csv has no 'a'" in problems[0]


@pytest.mark.parametrize(
    "text",
    ["**92**<!-- faces modular 0 -->", "92%<!-- faces modular 0 -->", "<!-- tabel faces -->"],
)
def test_a_marker_that_nothing_reads_is_an_error(text, checkout):
    found, problems = rewritten(f"{text} and 9.0<!-- faces modular 0 -->", Results(checkout))
    assert text in found
    assert len(problems) == 1
    assert text[text.index("<!--") :] in problems[0]


def test_a_table_without_its_end_swallows_nothing(checkout):
    head = "<!-- table faces methods=modular keeps=0 scores=balanced -->"
    text = f"{head}\nKEPT\n\n{head}\n<!-- end -->\n"
    found, problems = rewritten(text, Results(checkout))
    assert "KEPT" in found
    assert found.count("| **modular** |") == 1
    assert head in problems[0]


@pytest.mark.parametrize(
    ("what", "message"),
    [("keeps=3 scores=balanced", "no k = 3"), ("keeps=0 scores=rarest", "no score 'rarest'")],
)
def test_a_table_of_what_is_not_there_is_an_error(what, message, checkout):
    text = f"<!-- table faces methods=modular {what} -->\n<!-- end -->\n"
    found, problems = rewritten(text, Results(checkout))
    assert found == text
    assert message in problems[0]


def test_who_the_best_rival_is_comes_from_the_csv(checkout):
    text = "level with `nobody`<!-- rival faces best_flat 0 -->, +1 ± 1<!-- faces modular-best_flat 0 -->"
    found, problems = rewritten(text, Results(checkout))
    name = re.search(r"level with `(\w+)`<", found)[1]
    assert problems == []
    assert rewritten(found, Results(checkout))[0] == found
    apart, _ = rewritten(f"+1 ± 1<!-- faces modular-{name} 0 -->", Results(checkout))
    assert re.search(r"\+[\d.]+ ± \d+", apart)[0] == re.search(r"\+[\d.]+ ± \d+", found)[0]


def test_one_seed_has_no_interval_to_write(checkout):
    file = checkout / "docs/results/faces/results.csv"
    header, *rows = file.read_text().splitlines()
    file.write_text(
        "\n".join([header, *(r for r in rows if re.match(r"\w+,\w+,\w+,0,", r))]) + "\n"
    )
    text = "92.0 ± 1.0<!-- faces modular 0 -->"
    found, problems = rewritten(text, Results(checkout))
    assert found == text
    assert "there is no interval" in problems[0]


def test_a_page_with_intervals_is_not_mixed_with_intervals_over_seeds_only(checkout):
    header = "composite,method,minus,keep,score,seeds,over,mean,half,p\n"
    rows = "hair_gender,modular,flat,0,balanced_accuracy,5,seeds and images,0.1,0.04,0\n"
    rows += "hair_gender,modular,,all-0,balanced_accuracy,5,seeds and images,0.02,0.01,0\n"
    (checkout / "docs/results/faces/intervals.csv").write_text(header + rows)
    text = "-1 ± 1<!-- faces flat-modular 0 -->, 1 ± 1<!-- faces modular all-0 -->"
    found, problems = rewritten(text, Results(checkout))
    assert problems == []
    assert re.sub(r"<!--.*?-->", "", found) == "-10 ± 4, 2 ± 1"
    for cell in ("flat-flat_retrained 5", "flat all-0"):
        _, problems = rewritten(f"1 ± 1<!-- faces {cell} -->", Results(checkout))
        assert "intervals.csv has no flat" in problems[0]


def test_images_to_match_are_those_of_the_page(checkout):
    rows = "composite,method,score,images,text\n"
    rows += "hair_gender,flat,balanced_accuracy,inf,>100 (20 to >100)\n"
    rows += "hair_gender,flat_retrained,balanced_accuracy,7.5,7.5 (2.0 to 20)\n"
    (checkout / "docs/results/faces/match.csv").write_text(rows)
    found, _ = rewritten("<!-- answers faces=drawn faces -->\n<!-- end -->\n", Results(checkout))
    line = next(x for x in found.splitlines() if x.startswith("| [drawn faces](faces/report.md)"))
    assert line.endswith("| 7.5 (2.0 to 20)<br>flat_retrained |")

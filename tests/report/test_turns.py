"""Every joint class in turn the empty one."""

import csv

from modular_cls.report.page import write_report


def read_csv(out):
    with (out / "results.csv").open() as file:
        return list(csv.DictReader(file))


def test_every_class_in_turn_empty_has_a_table_of_its_own(write_run, tmp_path):
    classes = [
        {"hair length": h, "gender": g} for h in ("short", "long") for g in ("female", "male")
    ]
    recalls = {}
    for place, rare in enumerate(classes):
        for seed in range(3):
            for method, rare_skill in (("modular", 0.9 - 0.1 * place), ("flat", 0.0)):
                folder = f"{method}_{place}_{seed}"
                write_run(method, 0, seed, rare=rare, rare_skill=rare_skill, folder=folder)
    for seed in range(3):
        write_run("modular", 5, seed)
    page = write_report([write_run.root], tmp_path / "out")
    lines = page[page.index("## Every joint class in turn") :].splitlines()
    header = next(x for x in lines if x.startswith("| method |"))
    names = ["long_haired_man", "short_female", "short_male", "long_female"]  # the rare one first
    assert header == f"| method | {' | '.join(names)} | mean |"
    row = next(x for x in lines if x.startswith("| modular |")).strip("| ").split(" | ")
    rows = [r for r in read_csv(tmp_path / "out") if (r["method"], r["keep"]) == ("modular", "0")]
    for place, name in enumerate(names):
        mine = [r for r in rows if r["empty"] == ("" if place == 0 else name)]
        recalls[name] = sum(float(r["rare_class_recall"]) for r in mine) / 3
        assert row[1 + place].endswith(f"/ {100 * recalls[name]:.1f} %")
    assert row[5].endswith(f"/ {100 * sum(recalls.values()) / 4:.1f} %")
    assert any(x.startswith("| modular minus the best flat | +") for x in lines)
    assert "| 0 | modular | 3 |" in page  # the rare class's runs only
    assert "same in all 3 cells" in page

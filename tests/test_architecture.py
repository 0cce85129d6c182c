"""The house keeps its rules; which package may import which stands in pyproject's contracts."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import modular_cls

PACKAGE = Path(modular_cls.__file__).parent
ROOT = PACKAGE.parent
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PACKAGES = [path.parent for path in sorted(PACKAGE.rglob("*/__init__.py"))]
MOST_LINES, MOST_LOOSE_FILES, MOST_NAMES = 300, 10, 15
ONE_IDEA = {
    "command": "how a verb is asked for",
    "data": "pictures and their table; what a configuration, and what the lecture says of them",
    "figures": "what matplotlib draws of a table",
    "folder": "the format of a folder that is written",
    "nets": "networks of the lecture",
    "pictures": "the part of a claim that is about pictures",
    "strings": "the part of a claim that is about strings, and what these parts share",
    "training": "how a network is trained; what a configuration says of it",
}
ASIDE = ("bench", "configs", "docs", "faults", "mutants")  # tests of what is no module
OF_ALL = {"test_architecture", "test_docstrings", "test_examples", "test_init", "test_wheel"}
# Modules that are tested where they are used; a verb's command.py is tested by what it does.
ELSEWHERE = {
    "report/rows": "report/test_results",
    "arguments": "test_parts",
    "audit/augmentation": "data/test_contradictions",
    "config/shipped": "config/test_bases",
    "audit/findings": "audit/test_table",
    "data/labels": "data/test_manifest",
    "doctor/examine": "doctor/test_doctor",
    "doctor/finding": "doctor/test_doctor",
    "export/folder": "export/test_read",
    "export/record": "extend/test_extend",
    "features/linear": "finish/test_classifier",
    "features/sharing": "training/test_solved",
    "finish/step": "finish/test_composite_fit",
    "jobs/cores": "doctor/test_doctor",
    "jobs/pieces": "predict/test_cluster",
    "lecture/circuit_figures": "lecture/test_circuits",
    "lecture/kit/claim_page": "lecture/kit/test_claim",
    "lecture/kit/curves": "lecture/data/test_strings",
    "lecture/kit/published": "lecture/depth/test_pictures",
    "lecture/kit/rates": "lecture/depth/test_pictures",
    "lecture/kit/strings": "lecture/depth/test_strings",
    "lecture/layer_figures": "lecture/test_layers",
    "lecture/layer_statements": "lecture/test_layers",
    "lecture/mimic/figures": "lecture/mimic/test_pictures",
    "lecture/speech/figures": "lecture/speech/test_pipeline",
    "lecture/speech/statements": "lecture/speech/test_pipeline",
    "models/flat": "models/test_models",
    "models/modular": "models/test_models",
    "predict/assumptions": "predict/test_predictor",
    "predict/predictions": "predict/test_predictor",
    "report/answers": "report/test_misses",
    "report/figures": "report/test_page",
    "report/sections": "report/test_page",
    "report/sheets": "report/test_html",
    "report/wording": "report/test_page",
    "training/history": "training/test_saver",
    "training/partly": "training/test_targets",
    "training/randomness": "training/test_saver",
    "training/settings": "training/test_estimator",
    "training/reading": "training/test_rehearsal",
    "training/terms": "training/test_checkpoint",
}


def modules(folder):
    """Modules below a folder, as paths without endings."""
    paths = [path for path in folder.rglob("*.py") if not path.name.startswith("__")]
    return {path.relative_to(folder).with_suffix("").as_posix() for path in paths}


def mirrored():
    """What files of tests are about: `a/b` for `a/test_b.py`."""
    paths = [path.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")]
    mirrors = [path for path in paths if path.parts[0] not in ASIDE and path.stem not in OF_ALL]
    return {path.with_name(path.stem.removeprefix("test_")).as_posix() for path in mirrors}


def layers():
    """The lines of the contract, from the ground up."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    return tools["importlinter"]["contracts"][0]["layers"][::-1]


def drawn():
    """The lines of CONTRIBUTING's drawing, each as the list of names at its start."""
    drawing = CONTRIBUTING.split("modular_cls/\n")[1].split("configs/")[0]
    lines = [line[2:].split("  ")[0] for line in drawing.splitlines() if re.match(r"  \w", line)]
    return [re.findall(r"\w+", line) for line in lines]


def there():
    packages = {p.parent.name for p in PACKAGE.glob("*/__init__.py")}
    return packages | {p.stem for p in PACKAGE.glob("*.py")} - {"__init__"}


def test_contracts_hold():
    # in a process of its own: it silences all loggers
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_what_is_there_is_drawn():
    names = [name for line in drawn() for name in line]
    assert sorted(names) == sorted(there() - {"__main__"})


def test_drawing_is_the_contract():
    order = {name: i for i, line in enumerate(layers()) for name in re.findall(r"\w+", line)}
    places = [{order[name] for name in line} for line in drawn()]
    assert all(len(place) == 1 for place in places), "a line holds packages of one layer"
    heights = [place.pop() for place in places]
    assert heights == sorted(heights)
    assert all(f"`{line}`" in CONTRIBUTING for line in layers() if "|" in line)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_says_what_each_of_its_files_is(package):
    """One line a file; but the docstring of a claim is its page, and lists its parts in `PARTS`."""
    tree = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
    said = re.findall(r"^    (\S.*?)  +\S", ast.get_docstring(tree), re.MULTILINE)
    names = re.findall(r"[\w/]+", " ".join(said))
    files = [path.stem for path in package.glob("*.py") if path.name != "__init__.py"]
    packages = [f"{path.parent.name}/" for path in package.glob("*/__init__.py")]
    is_claim = package.parent.name == "lecture" and package.name != "kit"
    assert sorted(names) == ([] if is_claim else sorted(files + packages))


def test_files_are_rooms_not_halls():
    for path in PACKAGE.rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES, path
    assert len(list(PACKAGE.glob("*.py"))) <= MOST_LOOSE_FILES


def test_a_name_stands_for_one_idea():
    """A module may bear its package's name: it does the whole. Other names stand once."""
    modules = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    names = [path.stem for path in modules if path.stem != path.parent.name]
    names += [path.parent.name for path in PACKAGE.rglob("__init__.py")]
    assert {name for name in names if names.count(name) > 1} == set(ONE_IDEA)


def test_tests_are_the_same_tree():
    """`a/test_b.py` is about `a/b.py`; `a/test_a.py` may be about the package as a whole."""
    wholes = {(path / path.name).relative_to(PACKAGE).as_posix() for path in PACKAGES}
    converters = {f"data_prep/{name}" for name in modules(ROOT / "data_prep")}
    assert mirrored() <= modules(PACKAGE) | wholes | converters


def test_every_module_is_tested_under_its_name_or_where_it_is_used():
    own = {name for name in modules(PACKAGE) if not name.endswith("command")}
    assert own - mirrored() == set(ELSEWHERE)
    assert all((ROOT / "tests" / f"{name}.py").exists() for name in ELSEWHERE.values())


def test_public_names_are_exact():
    assert len(modular_cls.__all__) <= MOST_NAMES
    for name in modular_cls.__all__:
        assert getattr(modular_cls, name) is not None
    with pytest.raises(AttributeError, match="nothing_like_this"):
        modular_cls.nothing_like_this  # noqa: B018


def test_help_needs_no_torch():
    code = (
        "import sys, modular_cls.cli as c\n"
        "for verb in c.VERBS:\n"
        "    try: c.main([verb, '--help'])\n"
        "    except SystemExit: pass\n"
        "assert 'torch' not in sys.modules and 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)

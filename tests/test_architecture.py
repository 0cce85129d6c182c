"""The house keeps its rules: imports run downwards only, and each outside library has its home."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import modular_cls

PACKAGE = Path(modular_cls.__file__).parent
ROOT = PACKAGE.parent
# From the ground up, as CONTRIBUTING draws it: a file imports only files that stand before it.
ORDER = [
    "errors", "files", "schema", "config", "parts", "parsing",
    "data.images", "data.manifest", "data.scarcity", "data.sampling", "data.pixels", "data.cores", "data.shards", "data.cache", "data.transforms", "data.dataset",
    "data.datamodule",
    "data.faces.cues", "data.faces.draw", "data.faces.write", "data.faces",
    "models.backbone", "models.heads", "models.joint", "models.modular", "models.flat", "models",
    "criteria.criterion", "criteria.groups", "criteria.likelihood", "criteria.rebalanced", "criteria",
    "audit.findings", "audit.table", "audit.labels", "audit.coverage", "audit.disk", "audit.pictures", "audit.quality",
    "audit.near", "audit.alike", "audit.copies", "audit.whole", "audit.text", "audit",
    "finish.step", "finish.bias", "finish.composite", "finish.classifier", "finish",
    "priors", "metrics", "task", "scores", "fit", "run", "export.weights", "export.network", "export.folder", "export.read",
    "export.record", "export.graph", "export.card", "export.whole", "predictor", "pictures", "tables", "predict",
    "extension", "attribute_fit", "growth", "extend", "executors", "meter", "study",
    "demo.gradcam", "demo.answers", "demo.app", "demo",
    "report.statistics", "report.results", "report.comparison", "report.wording", "report.contrasts",
    "report.misses", "report.sections", "report.audit", "report.style", "report.figures", "report.page",
    "report.terminal", "report",
    "lecture.lab", "lecture.statement", "lecture.curves", "lecture.sets", "lecture.nets", "lecture.training",
    "lecture.recordings", "lecture.depth", "lecture.data", "lecture.constructed", "lecture.circuits", "lecture.probes", "lecture.layer_figures", "lecture.layers", "lecture.spoken_nets", "lecture.spoken_figures", "lecture.speech",
    "lecture.pixels", "lecture.mimic", "lecture.claim", "lecture", "cli", "__main__",
]  # fmt: skip
HOMES = {
    "timm": {"models.backbone"},
    "albumentations": {"data.transforms"},
    "jsonargparse": {"parsing"},
    "pandas": {"data.manifest", "audit.table"},
    "matplotlib": {"report.figures", "report.page"},
    "scipy": {"report.statistics"},
    "PIL": {"data.images", "audit.pictures", "predictor"},
    "pyarrow": {"tables"},
    "safetensors": {"scores", "export.weights"},
    "huggingface_hub": {"export.network", "export.card"},
    "onnxruntime": {"export.graph"},
    "imagehash": {"audit.pictures"},
    "fastapi": {"demo.app"},
    "sklearn": {"finish.classifier"},
}


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        if name not in ("__init__", "data", "export"):
            yield name, path


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (
                n if n.removeprefix("modular_cls.") in ORDER else node.module for n in names
            )


def test_every_file_has_its_place():
    assert sorted(name for name, _ in modules()) == sorted(ORDER)


@pytest.mark.parametrize(
    ("name", "path"), list(modules()), ids=lambda v: v if isinstance(v, str) else ""
)
def test_imports_run_downwards(name, path):
    for imported in imports(path):
        if imported.startswith("modular_cls."):
            target = imported.removeprefix("modular_cls.")
            assert ORDER.index(target) < ORDER.index(name), (
                f"{name} imports {target}, which stands above it"
            )
            assert not (name.startswith("data") and target.startswith("models"))
            assert not (name.startswith("models") and target.startswith("data"))


def test_outside_libraries_have_one_home():
    for name, path in modules():
        for imported in imports(path):
            home = HOMES.get(imported.split(".")[0])
            # Each claim of the lecture is a piece of its own, with its tables and figures.
            assert home is None or name in home or name.startswith("lecture."), (
                f"{imported} is imported in {name}"
            )


def test_files_are_rooms_not_halls():
    for name, path in modules():
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, name


def test_public_names_are_exact():
    assert len(modular_cls.__all__) <= 15
    for name in modular_cls.__all__:
        assert getattr(modular_cls, name) is not None
    with pytest.raises(AttributeError, match="nothing_like_this"):
        modular_cls.nothing_like_this  # noqa: B018


def test_help_needs_no_torch():
    code = (
        "import sys, modular_cls.cli as c\n"
        "try: c.main(['train', '--help'])\nexcept SystemExit: pass\n"
        "assert 'torch' not in sys.modules and 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_contributing_draws_every_file():
    drawing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for name, path in modules():
        if path.name not in ("__init__.py", "__main__.py"):
            assert re.search(rf"\b{path.stem}\.py\b", drawing), (
                f"{name} is not in the drawing of the house"
            )

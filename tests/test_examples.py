"""The examples, run on tiny sets."""

import ast
import json
import re
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modular_cls import Predictor, load_config, train
from modular_cls.data.images import convert_image
from modular_cls.export.export import export_run

EXAMPLES = Path(__file__).parent.parent / "examples"
ALLOWED = {
    "reuse_backbone.py": {"numpy", "timm", "torch", "PIL", "sklearn"},  # timm is made of torch
    "serve_onnx.py": {"numpy", "onnxruntime", "PIL"},
    "map_over_processes.py": {"modular_cls"},
    "find_similar.py": {"modular_cls", "numpy"},
    "features_of_another_library.py": {"modular_cls", "numpy", "pandas"},
    "scikit_learn_pipeline.py": {"modular_cls", "numpy", "pandas", "sklearn"},
    "study_on_dask.py": {"modular_cls", "yaml", "distributed"},
}


@pytest.fixture(scope="module")
def exported(faces_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("examples")
    config = load_config("configs/modular.yaml", data__manifest=faces_dir / "manifest.csv", data__workers=0,
                         data__image_size=32, training__updates=6, training__validate_every=0)  # fmt: skip
    train(config, out / "run", progress=False)
    export_run(out / "run", out / "export")
    return out / "export"


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return __import__


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


def test_each_example_needs_only_what_it_says():
    assert {p.name for p in EXAMPLES.glob("*.py")} == set(ALLOWED)
    for name, allowed in ALLOWED.items():
        assert set(imported(EXAMPLES / name)) - set(sys.stdlib_module_names) == allowed


def test_reuse_backbone(exported, faces_dir, example, tmp_path, capsys):
    header, *rows = (faces_dir / "manifest.csv").read_text().splitlines()
    tested = [r for r in rows if ",test," in r]
    blank = tested[0].rsplit(",", 2)[0] + ",,"  # knows neither hair nor gender
    (tmp_path / "m.csv").write_text("\n".join([header, *tested, blank]))
    example("reuse_backbone").main(
        [str(exported), str(tmp_path / "m.csv"), str(faces_dir), "--attribute", "hair"]
    )
    first, *told = capsys.readouterr().out.splitlines()
    assert first.startswith(f"hair of {len(tested)} pictures")
    assert [line.split()[0] for line in told] == ["exported", "random", "random", "random"]
    assert all(0 <= float(re.search(r"([\d.]+)% \(", line).group(1)) <= 100 for line in told)


def test_serve_onnx(exported, faces_dir, example):
    module, file = example("serve_onnx"), next((faces_dir / "test").glob("*.png"))
    with module.make_server(module.Model(exported / "model.onnx"), port=0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        with urllib.request.urlopen(address, file.read_bytes(), timeout=10) as answer:
            told = json.load(answer)
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(address, b"no picture", timeout=10)
        server.shutdown()
    predictor = Predictor.load(exported)
    expected = predictor([file]).probabilities
    assert list(told) == list(expected)
    for output in predictor.schema.outputs:
        assert list(told[output.name]) == list(output.class_names)
        np.testing.assert_allclose(
            list(told[output.name].values()), expected[output.name][0], atol=1e-5
        )


@pytest.mark.parametrize("how", ["squash", "pad", "crop"])
def test_the_server_brings_pictures_to_size_as_training_does(example, how):
    module = example("serve_onnx")
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (21, 60, 3), np.uint8))
    expected = convert_image(picture, "it", (32, 24), fit=how)
    np.testing.assert_array_equal(module.fit(picture, (24, 32), how), expected)


def test_map_over_processes(exported, faces_dir, example, capsys):
    example("map_over_processes").main([str(exported), str(faces_dir / "test"), "--processes", "1"])
    lines, files = capsys.readouterr().out.splitlines(), sorted((faces_dir / "test").glob("*.png"))
    names = Predictor.load(exported)(files).names("hair_gender")
    assert [line.split("\t")[0] for line in lines] == [f.name for f in files]
    assert [line.split("hair_gender=")[1].split()[0] for line in lines] == names


def test_find_similar(exported, faces_dir, example, capsys):
    files = sorted((faces_dir / "test").glob("*.png"))
    arguments = [str(exported), str(faces_dir / "test"), str(files[3]), "--number", "4"]
    example("find_similar").main(arguments)
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    found = Predictor.load(exported)(files)
    unit = found.embeddings / np.linalg.norm(found.embeddings, axis=1, keepdims=True)
    likeness = unit @ unit[3]
    assert lines[0][:2] == ["1.000", files[3].name]
    assert [float(line[0]) for line in lines] == pytest.approx(
        np.sort(likeness)[::-1][:4], abs=1e-3
    )
    names = dict(zip([f.name for f in files], found.names("hair_gender"), strict=True))
    assert all(line[2] == f"hair_gender={names[line[1]]}" for line in lines)


def test_features_of_another_library(example, tmp_path, capsys):
    """Two directions of the features are the attributes; nobody of one joint class is in training."""
    rng = np.random.default_rng(0)
    codes = rng.integers(2, size=(240, 2))
    split = np.where(np.arange(240) % 3 == 0, "test", "train")
    keep = (split == "test") | (codes.sum(1) < 2)
    np.save(tmp_path / "x.npy", (codes @ [[6, 0, 0], [0, 6, 0]] + rng.normal(size=(240, 3)))[keep])
    rows = [
        f"{i}.png,{s},{'sl'[a]},{'fm'[b]}"
        for i, (s, (a, b)) in enumerate(zip(split[keep], codes[keep], strict=True))
    ]
    (tmp_path / "t.csv").write_text("\n".join(["path,split,hair,gender", *rows]))
    example("features_of_another_library").main([str(tmp_path / "x.npy"), str(tmp_path / "t.csv")])
    told = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert float(told["modular"].rstrip("%")) > 95
    assert float(told["flat"].rstrip("%")) <= 75


def test_scikit_learn_pipeline(example, capsys):
    example("scikit_learn_pipeline").main([])
    lines = capsys.readouterr().out.splitlines()
    recalls = {line.split()[0]: float(re.search(r"([\d.]+)%", line).group(1)) for line in lines}
    assert recalls["modular"] > recalls["flat"] == 0


def test_study_on_dask(example, faces_dir, tmp_path, capsys):
    pytest.importorskip("distributed")
    data = {
        "manifest": str(faces_dir / "manifest.csv"),
        "image_size": 32,
        "workers": 0,
        "batch_size": 8,
    }
    (tmp_path / "tiny.yaml").write_text(
        json.dumps({"data": data, "training": {"updates": 2, "validate_every": 0}})
    )
    grid = {"methods": ["flat"], "keep": [0], "seeds": [0], "also": [str(tmp_path / "tiny.yaml")]}
    (tmp_path / "grid.yaml").write_text(json.dumps(grid))
    example("study_on_dask").main(
        [str(tmp_path / "grid.yaml"), str(tmp_path / "out"), "--workers", "1"]
    )
    assert (
        capsys.readouterr().out.splitlines()[-1] == f"written to {tmp_path / 'out' / 'report.html'}"
    )
    assert (tmp_path / "out" / "flat_k0_seed0" / "metrics.json").is_file()
    assert (tmp_path / "out" / "report.html").is_file()

"""Exports of small real runs, opened by timm, by ONNX Runtime and by our own Predictor; and damaged on purpose."""

import json
import os
import pickletools
import shutil
from contextlib import suppress

import numpy as np
import onnxruntime
import pytest
import timm
import torch
import yaml
from huggingface_hub import ModelCard
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from modular_cls import Predictor, load_config, train
from modular_cls.cli import main
from modular_cls.config import Backbone
from modular_cls.data.pixels import Pixels
from modular_cls.errors import ModularClsError
from modular_cls.export.network import write_network
from modular_cls.export.read import read_export
from modular_cls.export.weights import digest, read_weights, write_weights
from modular_cls.export.whole import export_run
from modular_cls.models.backbone import create_backbone

SIZE, ODD = 32, "Länge | Bart"
MODEL, HEADS, BACKBONE = "modular_cls/model.json", "modular_cls/heads.safetensors", "model.safetensors"


def tiny(faces_dir, name, *also, **given):
    data = {"manifest": faces_dir / "manifest.csv", "workers": 0, "image_size": SIZE, "scarcity__keep": 0}
    given |= {f"data__{key}": value for key, value in data.items()}
    return load_config(f"configs/{name}.yaml", *also, training__updates=6, training__validate_every=0, **given)


@pytest.fixture(scope="module")
def run_dir(faces_dir, tmp_path_factory):
    """A modular run under a prior of its own; hair stands before gender, short before long."""
    out = tmp_path_factory.mktemp("export") / "run"
    train(tiny(faces_dir, "modular", prediction__prior='{"long_haired_man": 0.4}'), out, progress=False)
    return out


@pytest.fixture(scope="module")
def exported(run_dir):
    out = run_dir.with_name("out")
    assert main(["export", str(run_dir), "--out", str(out), "--license", "mit"]) == 0
    return out


@pytest.fixture(scope="module")
def flat_vit(faces_dir, tmp_path_factory):
    """A flat run on a vision transformer that never predicts long hair; its composite has a name of its own; its export."""
    out = tmp_path_factory.mktemp("vit")
    schema = {
        "attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
        "composites": {ODD: {"attributes": ["hair", "gender"]}},
    }
    (out / "schema.yaml").write_text(
        yaml.safe_dump(
            {"schema": schema, "prediction": {"prior": {"short_female": 0.3, "short_male": 0.7}}}, sort_keys=False
        )
    )
    config = tiny(
        faces_dir, "flat", out / "schema.yaml", backbone__name="test_vit", backbone__args=f"{{img_size: {SIZE}}}"
    )
    train(config, out / "run", progress=False)
    export_run(out / "run", out / "out")
    return out / "run", out / "out"


@pytest.fixture(scope="module")
def files(faces_dir):
    return sorted((faces_dir / "test").glob("*.png"))[:7]


def timm_model(folder, **given):
    return timm.create_model(f"local-dir:{folder}", pretrained=True, **given).eval()


def innermost(model, images):
    """As our models compute: convolutions round otherwise when channels lie outermost."""
    return model.to(memory_format=torch.channels_last), images.contiguous(memory_format=torch.channels_last)


def same(first, second):
    for output, values in first.probabilities.items():
        np.testing.assert_array_equal(values, second.probabilities[output])
    np.testing.assert_array_equal(first.embeddings, second.embeddings)


@torch.inference_mode()
def check_timm(network, folder):
    """What plain timm makes of the folder is the network: embedding, feature maps, and a trunk for other heads."""
    images = torch.randn(3, 3, SIZE, SIZE)
    model, ours = innermost(timm_model(folder), images)
    torch.testing.assert_close(model(ours), network(ours), rtol=0, atol=0)
    torch.testing.assert_close(timm_model(folder)(images), network(images), rtol=1e-4, atol=1e-5)
    model, _ = innermost(timm_model(folder, num_classes=5), images)
    assert model(ours).shape == (3, 5)
    torch.testing.assert_close(model.forward_features(ours), network.forward_features(ours), rtol=0, atol=0)
    maps, _ = innermost(timm_model(folder, features_only=True), images)
    theirs = network.forward_intermediates(ours, indices=maps.feature_info.out_indices, intermediates_only=True)
    for one, other in zip(maps(ours), theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert timm_model(folder, in_chans=1)(images[:, :1]).shape == network(images).shape


def test_plain_timm_opens_it(run_dir, exported):
    check_timm(Predictor.load(run_dir).model.backbone, exported)


def test_plain_timm_opens_a_vision_transformer(flat_vit):
    check_timm(Predictor.load(flat_vit[0]).model.backbone, flat_vit[1])


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("test_efficientnet", {}),
        ("test_convnext", {}),
        ("mobilenetv3_small_050", {}),
        ("test_vit", {"dynamic_img_size": True}),
    ],
)
def test_plain_timm_opens_other_networks(name, args, tmp_path):
    """The last has positions of another size than its pictures."""
    torch.manual_seed(0)
    config = Backbone(name, args=args)
    network = create_backbone(config)[0].eval()
    write_network(tmp_path, network, config, Pixels((SIZE, SIZE), (0.5,) * 3, (0.5,) * 3), "mit")
    check_timm(network, tmp_path)


def test_timm_prepares_pictures_as_we_do(exported):
    wide = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8))
    theirs = timm.data.create_transform(**timm.data.resolve_model_data_config(timm_model(exported)))(wide)
    torch.testing.assert_close(theirs, Predictor.load(exported).prepare(wide), rtol=0, atol=1e-6)


def test_run_export_and_snapshot_predict_the_same(run_dir, exported, files, tmp_path):
    """A hub keeps files under their digests, and links to them from a folder per commit."""
    snapshot, blobs = tmp_path / "snapshots" / "0a1b", tmp_path / "blobs"
    blobs.mkdir()
    for file in (f for f in exported.rglob("*") if f.is_file()):
        shutil.copy(file, blobs / digest(file))
        link = snapshot / file.relative_to(exported)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blobs / digest(file), link.parent))
    run = Predictor.load(run_dir)
    for folder in (exported, str(snapshot)):
        again = Predictor.load(folder)
        assert again.schema == run.schema
        assert again.counts == run.counts == {"hair_gender": [24, 24, 24, 0]}
        for asked in ({}, {"prior": "training"}, {"prior": "uniform", "given": {"gender": "male"}}):
            same(run(files, **asked), again(files, **asked))


def test_classes_out_of_reach_stay_out(flat_vit, files):
    run, again = map(Predictor.load, flat_vit)
    same(run(files), again(files))
    told = again(files).probabilities
    assert (told["hair"][:, 1] == 0).all()
    assert (told[ODD][:, :2] > 0).all()


def graph(folder):
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    return session, {name: json.loads(v) for name, v in session.get_modelmeta().custom_metadata_map.items()}


@pytest.mark.parametrize(
    ("which", "composite", "prior"), [("modular", "hair_gender", [0.2, 0.2, 0.2, 0.4]), ("flat", ODD, [0.3, 0.7, 0, 0])]
)
def test_the_graph_tells_what_the_run_tells(which, composite, prior, run_dir, exported, flat_vit, files):
    run, out = (run_dir, exported) if which == "modular" else flat_vit
    predictor, (session, told) = Predictor.load(run), graph(out)
    for batch in (files[:1], files):
        images = np.stack([predictor.prepare(f).numpy() for f in batch])
        names = [o.name for o in session.get_outputs()]
        found, expected = dict(zip(names, session.run(None, {"image": images}), strict=True)), predictor(batch)
        assert names == ["hair", "gender", composite, "embedding"]
        np.testing.assert_allclose(found.pop("embedding"), expected.embeddings, atol=1e-5)
        for name, logs in found.items():
            np.testing.assert_allclose(np.exp(logs), expected.probabilities[name], atol=1e-5)
    assert told["classes"] == {o.name: list(o.class_names) for o in predictor.schema.outputs}
    assert told["preprocessing"]["height"] == SIZE
    np.testing.assert_allclose(told["target_prior"]["shares"][composite], prior, atol=1e-6)
    assert told["target_prior"]["name"] == load_config(run / "config.yaml").prediction.prior


def test_no_file_is_a_pickle(exported):
    for file in (f for f in exported.rglob("*") if f.is_file()):
        assert file.suffix in (".json", ".safetensors", ".onnx", ".md")
        with pytest.raises(ValueError, match=r".*"):
            list(pickletools.genops(file.read_bytes()))


def test_card(run_dir, exported):
    card = ModelCard.load(exported / "README.md")
    metrics = json.loads((run_dir / "metrics.json").read_text())["test"]
    told = {(r.metric_name.split()[0], r.metric_type): r.metric_value for r in card.data.eval_results}
    assert {key: metrics[key[0]][key[1]] for key in told} == told
    assert ("hair_gender", "rare_class_recall") in told
    assert (card.data.license, card.data.library_name) == ("mit", "timm")
    for words in (
        "k = 0 were kept",
        "| long_haired_man | 0.4 | 0 |",
        "72 training images",
        "Responsible use",
        "| short_male | ",
    ):
        assert words in card.text
    assert str(run_dir.parent) not in card.content
    assert "{" not in card.text


def test_names_cannot_break_the_card(flat_vit):
    rows = [line for line in ModelCard.load(flat_vit[1] / "README.md").text.splitlines() if line.startswith("| Länge")]
    assert rows == ["| Länge \\| Bart | short_female, short_male, long_female, long_male |"]


def test_metrics_without_support_are_undefined_in_the_card(run_dir, tmp_path):
    shutil.copytree(run_dir, tmp_path / "run")
    metrics = json.loads((run_dir / "metrics.json").read_text())
    metrics["test"]["hair_gender"] |= {"rare_class_recall": None, "balanced_accuracy": None}
    metrics["test"].pop("hair")
    (tmp_path / "run" / "metrics.json").write_text(json.dumps(metrics))
    export_run(tmp_path / "run", tmp_path / "out", onnx=False)
    card = ModelCard.load(tmp_path / "out" / "README.md")
    assert "balanced accuracy undefined" in card.text
    assert "rare_class_recall" not in {r.metric_type for r in card.data.eval_results}
    assert "**hair**" not in card.text
    assert not (tmp_path / "out" / "model.onnx").exists()
    assert "model.onnx" not in card.text
    del metrics["train_counts"]  # as in runs of old
    (tmp_path / "run" / "metrics.json").write_text(json.dumps(metrics | {"test": {}}, sort_keys=False))
    export_run(tmp_path / "run", tmp_path / "out", overwrite=True, onnx=False)
    assert "No test images" in (tmp_path / "out" / "README.md").read_text()
    assert Predictor.load(tmp_path / "out").counts is None


def test_an_exported_backbone_is_a_backbone_again(exported, faces_dir, files, tmp_path):
    """A run that started from an export needs that folder; its own export does not."""
    shutil.copytree(exported, tmp_path / "first")
    config = tiny(
        faces_dir,
        "modular",
        backbone__name=f"local-dir:{tmp_path / 'first'}",
        backbone__pretrained=True,
        backbone__args="{}",
    )
    train(config, tmp_path / "run", progress=False)
    before = Predictor.load(tmp_path / "run")(files)
    export_run(tmp_path / "run", tmp_path / "out", onnx=False)
    shutil.rmtree(tmp_path / "first")
    same(before, Predictor.load(tmp_path / "out")(files))
    text = (tmp_path / "out" / "README.md").read_text()
    assert "pretrained weights" in text
    assert str(tmp_path) not in text


@pytest.fixture
def copy(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / "copy")


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_sorted_keys_change_nothing(exported, copy, files):
    for path in copy.rglob("*.json"):
        path.write_text(json.dumps(json.loads(path.read_text()), sort_keys=True))
    same(Predictor.load(exported)(files), Predictor.load(copy)(files))


def reorder(folder):
    edit(folder / MODEL, lambda m: m["attributes"][0]["values"].reverse())


def rename(folder):
    edit(folder / MODEL, lambda m: m["composites"][0].update(attributes=["gender", "hair"], name="gender_hair"))


def widen(folder):
    """Heads of another shape, and a digest that is right."""
    heads, told = read_weights(folder / HEADS)
    heads["attribute_heads.0.weight"] = heads["attribute_heads.0.weight"][:1]
    heads["left_over"] = heads.pop("composite_heads.0.bias")
    write_weights(folder / HEADS, heads, told)
    edit(folder / MODEL, lambda m: m["sha256"].update({HEADS: digest(folder / HEADS)}))


def flip(folder):
    data = bytearray((folder / BACKBONE).read_bytes())
    data[-1] ^= 1
    (folder / BACKBONE).write_bytes(data)
    (folder / HEADS).unlink()


def truncate(folder):
    (folder / BACKBONE).write_bytes((folder / BACKBONE).read_bytes()[:1000])


def no_tensors(folder):
    (folder / HEADS).write_bytes(b"nothing")
    edit(folder / MODEL, lambda m: m["sha256"].update({HEADS: digest(folder / HEADS)}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / MODEL).unlink(), r"neither a run .*metrics.json.* nor an export"),
        (lambda f: (f / MODEL).write_text("{"), "model.json is corrupt"),
        (lambda f: (f / MODEL).write_text("[]"), "model.json holds a list"),
        (lambda f: edit(f / MODEL, lambda m: m.update(format=2, written_by="modular_cls 9.1")), "newer version .modular_cls 9.1, format 2.*update"),
        (lambda f: edit(f / MODEL, lambda m: m.pop("composites")), "composites is missing"),
        (lambda f: edit(f / MODEL, lambda m: m["model"].update(name="Forest")), "unknown name 'Forest' in model; accepted"),
        (lambda f: edit(f / MODEL, lambda m: m["train_counts"].update(hair_gender=[1])), "train_counts.hair_gender must be a list of 4"),
        (reorder, "does not fit the weights:\n  attributes, entry 1: the weights are of .*'short', 'long'.*model.json says"),
        (rename, "composites, entry 1: .*gender_hair"),
        (widen, r"(?s)attribute_heads.0.weight is of shape \(1, 96\); the schema needs \(2, 96\).*bias is missing.*left_over has no place"),
        (flip, r"(?s)model.safetensors \([\d,]+ bytes\) is truncated or changed: its SHA-256 is .*heads.safetensors is missing"),
        (truncate, r"model.safetensors \(1,000 bytes\) is truncated"),
        (no_tensors, "heads.safetensors is corrupt"),
        (lambda f: (f / BACKBONE).write_text("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"),
        (lambda f: (f / "config.json").unlink(), "config.json: No such file"),
        (lambda f: edit(f / "config.json", lambda c: c.update(architecture="resnot18")), "no model 'resnot18'; did you mean"),
        (lambda f: edit(f / "config.json", lambda c: c.update(architecture="local-dir:/x")), "accepted: the name of a timm network"),
        (lambda f: edit(f / "config.json", lambda c: c["model_args"].update(checkpoint_path="x.pth")), "may not hold checkpoint_path"),
        (lambda f: edit(f / "config.json", lambda c: c["model_args"].update(stem=8)), "does not fit test_resnet"),
        (lambda f: edit(f / "config.json", lambda c: c["model_args"].update(stem_width=16)), "the weights do not fit the model"),
        (lambda f: edit(f / "preprocess.json", lambda c: c.update(std=[0.5, 0.5, 0])), "std above 0"),
        (lambda f: edit(f / "preprocess.json", lambda c: c.pop("height")), "preprocess.json: it must hold height"),
    ],
)  # fmt: skip
def test_damage_is_told(copy, damage, message):
    damage(copy)
    with pytest.raises(ModularClsError, match=message):
        Predictor.load(copy)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "values", "img_size", "std"]), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@settings(max_examples=40)
@given(st.data())
def test_any_other_json_is_refused_in_words_or_taken(exported, tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("json")
    for file in exported.rglob("*.*"):
        link = folder / file.relative_to(exported)
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(file)
    name = data.draw(st.sampled_from([MODEL, "config.json", "preprocess.json"]))
    content = json.loads((exported / name).read_text())
    content[data.draw(st.sampled_from(sorted(content)))] = data.draw(json_values)
    (folder / name).unlink()
    (folder / name).write_text(json.dumps(content))
    with suppress(ModularClsError):
        read_export(folder)


def test_nothing_is_overwritten_unasked(run_dir, exported, copy, tmp_path, capsys):
    arguments = ["export", str(run_dir), "--no-onnx", "--out"]
    assert main([*arguments, str(copy)]) == 1
    assert "exists already" in capsys.readouterr().err
    assert main([*arguments, str(copy), "--overwrite"]) == 0
    assert not (copy / "model.onnx").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    assert main([*arguments, str(tmp_path / "mine"), "--overwrite"]) == 1
    assert [f.name for f in (tmp_path / "mine").iterdir()] == ["letter.txt"]
    assert main(["export", str(exported), "--out", str(tmp_path / "again")]) == 1
    assert "is not a finished run" in capsys.readouterr().err
    assert not (tmp_path / "again").exists()


def test_an_export_that_fails_leaves_what_was_there(run_dir, copy, tmp_path, monkeypatch, capsys):
    before = {f: f.read_bytes() for f in copy.rglob("*.*")}
    monkeypatch.setattr("modular_cls.export.graph._NEEDED", ("onnx", "no_such_package"))
    assert main(["export", str(run_dir), "--out", str(copy), "--overwrite"]) == 1
    assert "model.onnx needs no_such_package: pip install 'modular-cls[onnx]'" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.setattr("modular_cls.export.graph._TOLERANCE", -1.0)
    assert main(["export", str(run_dir), "--out", str(copy), "--overwrite"]) == 1
    assert "model.onnx: hair differs by" in capsys.readouterr().err
    assert {f: f.read_bytes() for f in copy.rglob("*.*")} == before
    assert [f.name for f in tmp_path.iterdir()] == ["copy"]

"""Exports of small real runs, opened by timm, by ONNX Runtime and by our own Predictor."""

import json
import os
import pickletools
import shutil

import numpy as np
import onnxruntime
import pytest
import timm
import torch
from huggingface_hub import ModelCard
from PIL import Image
from small_exports import ODD, SIZE, same, tiny

from modular_cls import Predictor, load_config, train
from modular_cls.config import Backbone
from modular_cls.data.preparation import Pixels
from modular_cls.export.export import export_run
from modular_cls.export.network import write_network
from modular_cls.models.backbone import create_backbone
from modular_cls.runs.weights import digest


def timm_model(folder, **given):
    return timm.create_model(f"local-dir:{folder}", pretrained=True, **given).eval()


def innermost(model, images):
    """As our models compute: convolutions round otherwise when channels lie outermost."""
    return model.to(memory_format=torch.channels_last), images.contiguous(
        memory_format=torch.channels_last
    )


@torch.inference_mode()
def check_timm(network, folder):
    """What plain timm makes of the folder is the network: embedding, feature maps, and a trunk for other heads."""
    images = torch.randn(3, 3, SIZE, SIZE)
    model, ours = innermost(timm_model(folder), images)
    torch.testing.assert_close(model(ours), network(ours), rtol=0, atol=0)
    torch.testing.assert_close(timm_model(folder)(images), network(images), rtol=1e-4, atol=1e-5)
    model, _ = innermost(timm_model(folder, num_classes=5), images)
    assert model(ours).shape == (3, 5)
    torch.testing.assert_close(
        model.forward_features(ours), network.forward_features(ours), rtol=0, atol=0
    )
    maps, _ = innermost(timm_model(folder, features_only=True), images)
    theirs = network.forward_intermediates(
        ours, indices=maps.feature_info.out_indices, intermediates_only=True
    )
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
    network = create_backbone(Backbone(name, args=args))[0].eval()
    write_network(tmp_path, network, args, Pixels((SIZE, SIZE), (0.5,) * 3, (0.5,) * 3), "mit")
    check_timm(network, tmp_path)


def test_timm_prepares_pictures_as_we_do(exported):
    wide = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8))
    theirs = timm.data.create_transform(
        **timm.data.resolve_model_data_config(timm_model(exported))
    )(wide)
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
    session = onnxruntime.InferenceSession(
        str(folder / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    return session, {
        name: json.loads(v) for name, v in session.get_modelmeta().custom_metadata_map.items()
    }


@pytest.mark.parametrize(
    ("which", "composite", "prior"),
    [("modular", "hair_gender", [0.2, 0.2, 0.2, 0.4]), ("flat", ODD, [0.3, 0.7, 0, 0])],
)
def test_the_graph_tells_what_the_run_tells(
    which, composite, prior, run_dir, exported, flat_vit, files
):
    run, out = (run_dir, exported) if which == "modular" else flat_vit
    predictor, (session, told) = Predictor.load(run), graph(out)
    for batch in (files[:1], files):
        images = np.stack([predictor.prepare(f).numpy() for f in batch])
        names = [o.name for o in session.get_outputs()]
        found, expected = (
            dict(zip(names, session.run(None, {"image": images}), strict=True)),
            predictor(batch),
        )
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
        assert file.suffix in (".json", ".safetensors", ".onnx", ".md", ".yaml")
        with pytest.raises(ValueError, match=r".*"):
            list(pickletools.genops(file.read_bytes()))


def test_card(run_dir, exported):
    card = ModelCard.load(exported / "README.md")
    metrics = json.loads((run_dir / "metrics.json").read_text())["test"]
    told = {
        (r.metric_name.split()[0], r.metric_type): r.metric_value for r in card.data.eval_results
    }
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
    rows = [
        line
        for line in ModelCard.load(flat_vit[1] / "README.md").text.splitlines()
        if line.startswith("| Länge")
    ]
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
    (tmp_path / "run" / "metrics.json").write_text(
        json.dumps(metrics | {"test": {}}, sort_keys=False)
    )
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

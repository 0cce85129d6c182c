"""Exports damaged on purpose: what is wrong is told, and nothing is lost."""

import json
import shutil
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modular_cls import Predictor
from modular_cls.errors import ModularClsError
from modular_cls.export.read import read_export
from modular_cls.runs.weights import digest, read_tensors, write_tensors
from tests.export.small_exports import BACKBONE, HEADS, MODEL, same


def edit(path, change):
    """Change what a file says in an export of before, which has no digests of what JSON files say."""
    marker = next(folder / MODEL for folder in path.parents if (folder / MODEL).is_file())
    marker.write_text(json.dumps({**json.loads(marker.read_text()), "content": None}))
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
    edit(
        folder / MODEL,
        lambda m: m["composites"][0].update(attributes=["gender", "hair"], name="gender_hair"),
    )


def widen(folder):
    """Heads of another shape, and a digest that is right."""
    heads, told = read_tensors(folder / HEADS)
    heads["attribute_heads.0.weight"] = heads["attribute_heads.0.weight"][:1]
    heads["left_over"] = heads.pop("composite_heads.0.bias")
    write_tensors(folder / HEADS, heads, told)
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
        (lambda f: edit(f / MODEL, lambda m: m["sha256"].pop(HEADS)), "model.json is damaged, or of another version: it holds no SHA-256 of .*heads"),
        (lambda f: edit(f / MODEL, lambda m: m["sha256"].update({HEADS: "5" * 64})), "heads.safetensors .* is .*, not 5{64} as .*model.json says"),
        (no_tensors, "heads.safetensors is corrupt"),
        (lambda f: (f / BACKBONE).write_text("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"),
        (lambda f: (f / "config.json").unlink(), "config.json: No such file"),
        (lambda f: edit(f / "config.json", lambda c: c.update(architecture="resnot18")), "no model 'resnot18'; did you mean"),
        (lambda f: edit(f / "config.json", lambda c: c.update(architecture="local-dir:/x")), "accepted: the name of a timm network"),
        (lambda f: edit(f / "config.json", lambda c: c["model_args"].update(checkpoint_path="x.pth")), "may not hold checkpoint_path"),
        (lambda f: edit(f / "config.json", lambda c: c["model_args"].update(stem=8)), "backbone.args.stem is 8: test_resnet cannot be created with it"),
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


@settings(max_examples=60)
@given(
    name=st.sampled_from([MODEL, "config.json", "preprocess.json"]),
    place=st.integers(0),
    by=st.integers(1, 255),
)
def test_any_byte_of_what_an_export_says_is_told_by_name_or_means_nothing(
    exported, files, tmp_path_factory, name, place, by
):
    folder = shutil.copytree(exported, tmp_path_factory.mktemp("byte") / "export")
    content = bytearray((folder / name).read_bytes())
    content[place % len(content)] ^= by
    (folder / name).write_bytes(content)
    try:
        found, told = Predictor.load(folder)(files[:1]), ""
    except ModularClsError as error:
        found, told = None, str(error)
    if found is None:
        assert name in told
    else:
        same(Predictor.load(exported)(files[:1]), found)

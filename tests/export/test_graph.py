"""The graph of an export tells what the run tells."""

import json

import numpy as np
import onnxruntime
import pytest

from modular_cls import Predictor, load_config
from tests.export.small_exports import ODD, SIZE


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

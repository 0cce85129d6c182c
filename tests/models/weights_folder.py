"""A timm folder of random weights, which says of them what a test needs."""

import json

import timm
import torch
from safetensors.torch import save_file

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def write_weights(folder, name="test_resnet", seed=0, scale=IMAGENET, **args):
    torch.manual_seed(seed)
    network = timm.create_model(name, num_classes=3, **args)
    described = {"num_classes": 3, "input_size": [3, 32, 32], "interpolation": "bicubic", **scale}
    described |= {key: network.pretrained_cfg[key] for key in ("first_conv", "classifier")}
    config = {"architecture": name, "num_classes": 3, "model_args": args}
    folder.mkdir(exist_ok=True)
    text = json.dumps(config | {"pretrained_cfg": described})
    (folder / "config.json").write_text(text)
    weights = {key: value.contiguous() for key, value in network.state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    return f"local-dir:{folder}"

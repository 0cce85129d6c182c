"""A small network as a timm folder; its random weights count as pretrained."""

import timm
import torch
from timm.models._hub import save_for_hf


def write_network(out, seed):
    torch.manual_seed(seed)
    network = timm.create_model("test_resnet", num_classes=3, stem_width=8)
    network.pretrained_cfg |= {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.25, 0.3]}
    # Among the network's own arguments timm itself also writes how many classes it had.
    save_for_hf(network, out, model_args={"stem_width": 8})

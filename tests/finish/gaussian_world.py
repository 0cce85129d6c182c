"""An exactly additive world for finish steps: features whose likelihood ratios are known."""

import torch

from modular_cls.config import Backbone
from modular_cls.finish import Features
from modular_cls.models import ModularClassifier
from modular_cls.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
        "composites": {"both": {"attributes": ["hair", "gender"]}},
    }
)
BACKBONE = Backbone("test_resnet", args={"stem_width": 8})


def gaussian_world(counts, seed=0, shift=1.2):
    """Features of an exactly additive world: x = (u, v), u ~ N(+-shift, 1) by hair, v ~ N(+-shift, 1) by gender."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.repeat_interleave(torch.arange(4), torch.tensor(counts))
    means = shift * torch.stack([target // 2 * 2 - 1, target % 2 * 2 - 1], 1).float()
    return means + torch.randn(len(target), 2, generator=generator), target


def model_that_knows(shift=1.2, offsets=(0.0, 0.0)):
    """A modular model whose heads are the true log-likelihood ratios, up to offsets that the bias must undo."""
    model = ModularClassifier(SCHEMA, BACKBONE)
    for i, head in enumerate(model.attribute_heads):
        torch.nn.init.zeros_(head.weight)
        torch.nn.init.zeros_(head.bias)
        head.weight.data[1, i] = 2 * shift
        head.bias.data[1] = offsets[i]
    return model


def features(counts, model, seed=0):
    x, target = gaussian_world(counts, seed)
    padded = torch.zeros(len(x), model.width)
    padded[:, :2] = x
    return Features(padded, {"both": target, "hair": target // 2, "gender": target % 2})


def slow_fixed_point(energies, counts):
    """The expression of `FitBias`, round by round."""
    seen, bias = counts > 0, torch.zeros_like(energies[0])
    share = counts.double() / counts.sum()
    for _ in range(3000):
        mixture = (energies - bias + share.log()).logsumexp(1, keepdim=True)
        update = (energies - mixture).logsumexp(0) - torch.tensor(len(energies)).log()
        done, bias = (update - bias)[seen].abs().max() < 1e-7, update
        if done:
            break
    return bias

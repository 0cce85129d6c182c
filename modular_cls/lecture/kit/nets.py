"""The small nets of the lecture, and their sizes.

Parameters, multiplications, widths that make two nets equal.
"""

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

_WIDEST = 1 << 20


def fully_connected(inputs: int, widths: Sequence[int], outputs: int) -> nn.Sequential:
    """Hidden layers with ReLU, then one linear layer.

    Args:
        inputs: Numbers per example; examples of any shape are flattened.
        widths: Units of each hidden layer.
        outputs: Units of the last layer.

    Returns:
        Stages that can be looked at one by one: flatten, one `nn.Sequential(Linear, ReLU)` per
        hidden layer, `Linear`.
    """
    sizes = [inputs, *widths]
    hidden = [nn.Sequential(nn.Linear(a, b), nn.ReLU()) for a, b in itertools.pairwise(sizes)]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(sizes[-1], outputs))


def convolutional(
    channels: int,
    widths: Sequence[int],
    outputs: int,
    halvings: int = 3,
    radii: Sequence[int] | None = None,
    dilated: bool = False,
) -> nn.Sequential:
    """Convolutions of 3 x 3 with batch norm and ReLU, the mean over places, one linear layer.

    Args:
        channels: Of the pictures.
        widths: Channels of each convolution.
        outputs: Units of the last layer.
        halvings: How often the side of the picture is halved on the way, spread evenly over the
            convolutions: nets of any depth see the same resolutions.
        radii: How many places each convolution reaches to either side; default 1.
        dilated: Whether a convolution reaches farther by 3 x 3 places farther apart, instead of all
            those between.

    Returns:
        One stage per convolution, then `Sequential(AdaptiveAvgPool2d, Flatten)`, then `Linear`.
    """
    sizes, depth = [channels, *widths], len(widths)
    stages: list[nn.Module] = []
    for i, (a, b) in enumerate(itertools.pairwise(sizes)):
        halved = halvings * (i + 1) // depth - halvings * i // depth
        pool = [nn.MaxPool2d(2**halved)] if halved else []
        far = radii[i] if radii else 1
        side, apart = (3, far) if dilated else (2 * far + 1, 1)
        layer = nn.Conv2d(a, b, side, padding=far, dilation=apart, bias=False)
        stages.append(nn.Sequential(layer, nn.BatchNorm2d(b), nn.ReLU(), *pool))
    mean = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(*stages, mean, nn.Linear(sizes[-1], outputs))


def radii_for(layers: int, reach: int, halvings: int = 3) -> list[int]:
    """Radii of convolutions with which a net of some layers sees as far as any other.

    The one that reaches least is widened first, of equals the one at the coarsest resolution, as
    long as the reach allows.

    Args:
        layers: Convolutions.
        reach: Pixels to either side, pools aside: the sum of the radii, each times the size of a
            place in pixels.
        halvings: See `convolutional`.
    """
    sizes = [2 ** (halvings * i // layers) for i in range(layers)]
    radii, left = [1] * layers, reach - sum(sizes)
    while fitting := [i for i in range(layers) if sizes[i] <= left]:
        least = min(fitting, key=lambda i: (radii[i], -sizes[i]))
        radii[least] += 1
        left -= sizes[least]
    return radii


class Parts(nn.Module):
    """Neighbours side by side: shape (B, places, channels) to (B, places / span, span * channels).

    A linear layer behind it is a convolution whose stride is its width.
    """

    def __init__(self, span: int) -> None:
        super().__init__()
        self.span = span

    def forward(self, x: Tensor) -> Tensor:
        """Places must be a multiple of the span."""
        return x.unflatten(1, (-1, self.span)).flatten(2)


def along_tree(
    symbols: int, spans: Sequence[int], widths: Sequence[int], outputs: int
) -> nn.Sequential:
    """A net that follows the tree of a string: one layer, the same at all places, then the next.

    Args:
        symbols: Numbers per place of the input, whose shape is (B, places, symbols).
        spans: How many neighbours each layer joins; their product is the number of places.
        widths: Units of each layer at each place.
        outputs: Units of the last layer.

    Returns:
        One `Sequential(Parts, Linear, ReLU)` per layer, `Flatten`, `Linear`.
    """
    sizes = [symbols, *widths]
    layers = [
        nn.Sequential(Parts(span), nn.Linear(span * a, b), nn.ReLU())
        for span, (a, b) in zip(spans, itertools.pairwise(sizes), strict=True)
    ]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(sizes[-1], outputs))


def halved(levels: int, layers: int) -> list[int]:
    """How many of a tree's pairs each layer joins, 2 to the power of the levels that it takes.

    The levels are spread evenly; where there are more layers than levels, some join nothing.
    """
    ends = [levels * i // layers for i in range(layers + 1)]
    return [2 ** (b - a) for a, b in itertools.pairwise(ends)]


def spread(units: int, layers: int) -> list[int]:
    """Widths that share `units` among `layers` as evenly as they can.

    One more unit makes one layer one wider.
    """
    return [max(1, units // layers + (i < units % layers)) for i in range(layers)]


def he(net: nn.Module) -> nn.Module:
    """Draw the weights of linear layers anew.

    ReLU layers then keep the scale of their inputs at any depth.

    He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015, equation 10; biases start at
    0.
    """
    for layer in net.modules():
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return net


def parameters(net: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


def operations(net: nn.Module, example: Tensor) -> int:
    """Multiplications for one example, shape (1, ...), as torch counts them."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        net.eval()(example)
    return counter.get_total_flops() // 2


def width_for(build: Callable[[int], nn.Module], budget: int) -> int:
    """The width whose net has the number of parameters nearest to `budget`.

    Args:
        build: Width to net; a wider one has more parameters.
        budget: Number of parameters to come near to.
    """
    with torch.device("meta"):  # only counted, never filled
        low, high = 1, 2
        while parameters(build(high)) < budget and high < _WIDEST:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if parameters(build(middle)) < budget else (low, middle)
        return min((low, high), key=lambda width: abs(parameters(build(width)) - budget))

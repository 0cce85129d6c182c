"""How every small net of the lecture is trained.

The same few lines for all, so that only the net differs.
"""

import copy
import math
from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

BATCH = 100
_WARM_UP = 0.05  # of the updates
_WEIGHT_DECAY = 1e-4
_AT_ONCE = 1000  # examples that pass a net together where nothing is learned
_JUDGED = 10  # times on the way

Judge = Callable[[nn.Module], float]
Loss = Callable[[Tensor, Tensor], Tensor]


def device() -> torch.device:
    """Where nets are trained: an accelerator where there is one."""
    accelerator = (
        torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    )
    return accelerator or torch.device("cpu")


def fit(
    net: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    *,
    updates: int,
    rate: float,
    seed: int,
    loss: Loss = F.cross_entropy,
    batch: int = BATCH,
    judge: Judge | None = None,
) -> nn.Module:
    """Train a net in place by AdamW.

    The learning rate rises for 5 % of the updates, then falls as a cosine.

    Args:
        net: On any device; it is moved to `device()`.
        inputs: Shape (examples, ...).
        targets: Shape (examples, ...), as `loss` takes them.
        updates: Number of batches, at least 3.
        rate: Highest learning rate.
        seed: Of the order of the examples; each epoch is shuffled anew.
        loss: Outputs and targets of a batch to one number.
        batch: Examples in each update, all where there are fewer.
        judge: Early stopping: asked ten times on the way, evenly; the net stays as it was when the
            answer was least, the earliest of equals. None: as it is in the end.
    """
    place = device()
    net.to(place).train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=_WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        rate,
        total_steps=updates,
        pct_start=max(_WARM_UP, 2 / updates),  # it divides by the steps of warm-up less one
        cycle_momentum=False,
    )
    order = torch.Generator().manual_seed(seed)
    inputs, targets = inputs.to(place), targets.to(place)
    positions = torch.empty(0, dtype=torch.long)
    best, kept = math.inf, None
    for update in range(1, updates + 1):
        if len(positions) < min(batch, len(inputs)):  # no batch is short: the next epoch fills it
            positions = torch.cat([positions, torch.randperm(len(inputs), generator=order)])
        chosen, positions = positions[:batch].to(place), positions[batch:]
        optimizer.zero_grad()
        loss(net(inputs[chosen]), targets[chosen]).backward()
        optimizer.step()
        schedule.step()
        if judge and update * _JUDGED // updates > (update - 1) * _JUDGED // updates:
            if (judgement := judge(net)) < best:
                best, kept = judgement, copy.deepcopy(net.state_dict())
            net.train()
    if kept is not None:
        net.load_state_dict(kept)
    return net.eval()


@torch.inference_mode()
def outputs(net: nn.Module, inputs: Tensor) -> Tensor:
    """Outputs of a net for many examples, shape (examples, ...), on the CPU."""
    place = device()
    net.to(place).eval()
    return torch.cat([net(part.to(place)).cpu() for part in inputs.split(_AT_ONCE)])


def error(net: nn.Module, inputs: Tensor, labels: Tensor) -> float:
    """Share of examples whose largest output is not the label's."""
    return float((outputs(net, inputs).argmax(1) != labels).float().mean())


def seeded(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """A net whose initial weights are drawn by `seed`, other random streams left as they are."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build()


def best_rates(trials: pd.DataFrame, nets: Sequence[Mapping[str, object]]) -> list[float]:
    """The learning rate of each net whose validation error is least, the smaller of equals.

    Nothing else counts.

    Args:
        trials: One row per net and `rate`, with its `validation error`.
        nets: Each as the columns and values that find its rows.
    """
    ranked = trials.sort_values(["validation error", "rate"])
    return [
        float(ranked[(ranked[list(net)] == pd.Series(net)).all(axis=1)]["rate"].iloc[0])
        for net in nets
    ]

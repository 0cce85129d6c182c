"""What the task tells criterion, optimiser and schedule, update by update, in a real training."""

import pytest
import torch
from small_trainings import small

from modular_cls.criteria import Criterion
from modular_cls.training.fit import Fit

UPDATES = 6
SHORT = {"training__updates": UPDATES, "training__validate_every": 0, "data__batch_size": 4}


class Remembering(Criterion):
    """A plain sum that remembers how far training was, and how fast, at each update."""

    def __init__(self):
        super().__init__()
        self.told, self.rates, self.task = [], [], None

    def forward(self, scores, targets):
        self.told.append(self.progress)
        self.rates.append([g["lr"] for g in self.task().optimizers().param_groups])
        return sum(s.mean() for s in scores.values())


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine"])
def test_progress_and_rate_go_on_with_every_update(schedule, faces_dir):
    """What waits for a share of the training is told of it (deferred weights); the rate ends near 0."""
    fit = Fit(small(faces_dir, **SHORT, training__schedule=schedule, training__learning_rate=0.01))
    fit.task.criterion = remembering = Remembering()
    remembering.task = lambda: fit.task
    fit.run(progress=False)
    assert remembering.told == pytest.approx([i / UPDATES for i in range(UPDATES)])
    rates = [rate for rate, *others in remembering.rates]
    assert all(others == others[:1] * len(others) for others in remembering.rates)
    last = fit.trainer.optimizers[0].param_groups[0]["lr"]
    assert 0.005 < max(rates) <= 0.01
    assert last < 1e-4
    assert len(set(rates)) == UPDATES


def test_matrices_and_kernels_decay_and_nothing_else(faces_dir):
    """Without any gradient, weights shrink by rate times decay; biases, norms and the class bias stay."""
    config = small(faces_dir, **SHORT, training__learning_rate=0.1, training__weight_decay=0.5)
    task = Fit(config).task
    optimiser = task.configure_optimizers()["optimizer"]
    before = {name: p.detach().clone() for name, p in task.model.named_parameters()}
    rates = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    for p in task.model.parameters():
        p.grad = torch.zeros_like(p)
    optimiser.step()
    for name, p in task.model.named_parameters():
        left = 1 - 0.5 * rates[id(p)] if p.ndim > 1 else 1
        torch.testing.assert_close(p.detach(), left * before[name], msg=name)
    assert {p.ndim for p in task.model.parameters()} >= {1, 4}

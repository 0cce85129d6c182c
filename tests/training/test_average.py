"""An average of the weights, against a slow one."""

import torch
from torch.optim.swa_utils import get_ema_avg_fn

from modular_cls.runs.folder import Run
from modular_cls.training.task import AttributeTask
from modular_cls.training.train import train
from tests.training.small_trainings import small

PLAIN = {"backbone__args": "{stem_width: 8}"}  # nothing but the knobs draws random numbers


def test_the_average_is_what_is_kept(faces_dir, tmp_path, monkeypatch):
    """Against a slow one, of the weights after each update; the training itself knows nothing of it."""
    decay, seen, average = 0.8, [], None
    original = AttributeTask.on_train_batch_end

    def record(self, outputs, batch, batch_idx):
        seen.append({n: p.detach().clone() for n, p in self.model.named_parameters()})
        return original(self, outputs, batch, batch_idx)

    monkeypatch.setattr(AttributeTask, "on_train_batch_end", record)
    config = small(faces_dir, **PLAIN, training__ema=decay, finish="[]")
    train(config, tmp_path / "run", progress=False)
    mix = get_ema_avg_fn(decay)
    for after in seen:
        average = {n: mix(average[n], p, 1) for n, p in after.items()} if average else after
    kept = dict(Run.load(tmp_path / "run").model.named_parameters())
    for name, value in average.items():
        torch.testing.assert_close(kept[name], value, rtol=1e-4, atol=1e-6, msg=name)
    plain = seen.copy()
    seen.clear()
    train(small(faces_dir, **PLAIN, finish="[]"), tmp_path / "plain", progress=False)
    assert all(torch.equal(plain[-1][n], p) for n, p in seen[-1].items())

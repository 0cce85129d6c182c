"""Training: reproducible, and it learns what can be learned."""

import torch

from modular_cls.lecture.kit.learning import error, fit, outputs, seeded
from modular_cls.lecture.kit.nets import fully_connected


def build():
    return fully_connected(2, [16], 2)


def blobs(count=200):
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(2, (count,), generator=generator)
    return torch.randn(count, 2, generator=generator) + 4 * labels[:, None], labels


def test_same_seed_same_net():
    x, y = blobs()
    nets = [fit(seeded(build, 3), x, y, updates=30, rate=1e-2, seed=3) for _ in range(2)]
    assert torch.equal(outputs(nets[0], x), outputs(nets[1], x))
    other = fit(seeded(build, 3), x, y, updates=30, rate=1e-2, seed=4)
    assert not torch.equal(outputs(nets[0], x), outputs(other, x))


def test_it_learns():
    x, y = blobs()
    net = seeded(build, 0)
    before = error(net, x, y)
    assert error(fit(net, x, y, updates=100, rate=1e-2, seed=0), x, y) < min(before, 0.05)


def test_fewer_examples_than_a_batch_make_full_epochs():
    x, y = blobs(7)
    net = fit(seeded(build, 0), x, y, updates=60, rate=1e-2, seed=0)
    whole = fit(seeded(build, 0), x, y, updates=60, rate=1e-2, seed=0, batch=7)
    assert error(net, x, y) == 0
    assert torch.equal(outputs(net, x), outputs(whole, x))


def test_early_stopping_keeps_the_net_that_was_judged_best():
    x, y = blobs()
    answers, kept = iter([3.0, 2.0, 5.0, 2.0, 4.0, 9.0, 9.0, 9.0, 9.0, 9.0]), []

    def judge(net):
        assert not kept or len(kept) < 10
        kept.append(outputs(net, x))
        return next(answers)

    net = fit(seeded(build, 0), x, y, updates=40, rate=1e-2, seed=0, judge=judge)
    assert len(kept) == 10  # evenly, the last one at the end
    assert torch.equal(outputs(net, x), kept[1])  # the earliest of equals
    assert torch.equal(
        outputs(fit(seeded(build, 0), x, y, updates=40, rate=1e-2, seed=0), x), kept[-1]
    )

"""Folds that spread classes and keep identities whole."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.features.folds import UNSCORED, fits, stratified_folds

classes = st.lists(st.integers(-1, 4), min_size=1, max_size=60).map(torch.tensor)
folds = st.integers(2, 6)
seeds = st.integers(0, 5)


@given(classes, folds, seeds)
def test_each_class_is_spread_evenly(target, v, seed):
    fold = stratified_folds(target, v, seed)
    for z in target.unique().tolist():
        mine = fold[target == z]
        if z >= 0 and len(mine) == 1:
            assert mine.tolist() == [UNSCORED]
            continue
        sizes = torch.bincount(mine, minlength=v)
        assert sizes.max() - sizes.min() <= 1
        assert (sizes > 0).sum() == min(len(mine), v)
    assert torch.equal(fold, stratified_folds(target, v, seed))


@given(classes, folds, seeds, st.data())
def test_identities_stay_whole(target, v, seed, data):
    """However many persons there are, of however many images: also fewer than folds."""
    person = st.sampled_from(["", "ann", "bob", "cid", "dan"])
    names = data.draw(st.lists(person, min_size=len(target), max_size=len(target)))
    fold = stratified_folds(target, v, seed, names)
    for name in set(names) - {""}:
        mine = fold[torch.tensor([n == name for n in names])]
        assert len(mine[mine != UNSCORED].unique()) <= 1
    for z in target[target >= 0].unique():
        mine = fold[target == z]
        # Scored by a fit that has others of the class, or not at all.
        assert (mine == UNSCORED).all() or len(mine.unique()) > 1
    assert ((fold >= UNSCORED) & (fold < v)).all()


def test_every_image_is_left_out_once_and_the_last_fit_has_all():
    target = torch.arange(4).repeat(6)
    fold = stratified_folds(target, 3, 0)
    used = fits(fold, 3)
    assert used.shape == (4, 24)
    assert (used.sum(0) == 3).all()
    assert (used[-1] == 1).all()
    assert (used[:3].argmin(0) == fold).all()


def test_the_seed_draws():
    target = torch.zeros(40, dtype=torch.long)
    assert not torch.equal(stratified_folds(target, 4, 0), stratified_folds(target, 4, 1))

"""The model of an extended run, with the weights of the old one where they belong."""

import torch
from torch import Tensor, nn

from modular_cls.errors import ConfigError
from modular_cls.extend.extension import Extension
from modular_cls.models.build import build_model
from modular_cls.models.modular import ModularClassifier
from modular_cls.schema import Composite

Grown = tuple[ModularClassifier, list[Composite], dict[str, list[int]]]


def grown_model(old: ModularClassifier, what: Extension) -> Grown:
    """The model of the whole with the weights of the old one.

    Returns:
        The model; its joint spaces that are new or have new classes; and of the latter, by name,
        which classes were there before.

    Raises:
        ConfigError: If a value is added to an attribute that is concluded from others, or others
            from it; or if joint spaces become too large with it.
    """
    _check_values(old, what)
    model = build_model(what.config, what.schema, old).eval().requires_grad_(False)
    assert isinstance(model, ModularClassifier)  # as the old one
    by_name = {a.name: i for i, a in enumerate(model.learned.attributes)}
    for attribute, head in zip(old.learned.attributes, old.attribute_heads, strict=True):
        _copy_first(model.attribute_heads[by_name[attribute.name]], head)
    for concluded, now in zip(old.conclusion_heads, model.conclusion_heads, strict=False):
        now.load_state_dict(concluded.state_dict())
    for name in (f"{c.attribute.name}*" for c in old.schema.conclusions):
        model.log_priors[name].copy_(old.log_priors[name])
    return model, *_spaces(old, model, what)


def bias_of(model: ModularClassifier, i: int) -> Tensor:
    """The biases of a joint space, to write to."""
    bias = model.composite_heads[i].bias
    assert isinstance(bias, Tensor)
    return bias.data


def _spaces(
    old: ModularClassifier, model: ModularClassifier, what: Extension
) -> tuple[list[Composite], dict[str, list[int]]]:
    """Copy what joint spaces have; those to be fitted, and the old classes of those with more."""
    spaces = {_names(joint): i for i, joint in enumerate(old.learned.joints)}
    fitted, grown = [], dict[str, list[int]]()
    for i, joint in enumerate(model.learned.joints):
        at = spaces.get(_names(joint))
        if at is None:
            fitted.append(joint)
            continue
        before = old.learned.joints[at]
        place = _places(before, joint)
        bias_of(model, i)[place] = bias_of(old, at)
        if joint.name in model.direct and before.name in old.direct:
            now = model.direct[joint.name].state_dict()  # the tensors themselves
            for name, values in old.direct[before.name].state_dict().items():
                now[name][place] = values
        if joint.size > before.size:
            fitted.append(joint)
            grown[joint.name] = place
        else:
            model.log_priors[joint.name][place] = old.log_priors[before.name]
    if what.values and len(grown) < len(fitted):
        names = ", ".join(j.name for j in fitted if j.name not in grown)
        raise ConfigError(
            f"with the values added to {', '.join(what.values)} joint spaces become too large to "
            f"stay as they are ({names}); train anew"
        )
    return fitted, grown


def _check_values(old: ModularClassifier, what: Extension) -> None:
    for conclusion in old.schema.conclusions:
        for attribute in (conclusion.attribute, *conclusion.sources):
            if attribute.name in what.values:
                raise ConfigError(
                    f"schema.attributes.{attribute.name}: values cannot be added, for "
                    f"{conclusion.attribute.name} is concluded from "
                    f"{', '.join(a.name for a in conclusion.sources)}; train anew"
                )


def _copy_first(new: nn.Module, old: nn.Module) -> None:
    """The rows of values that were there; those of values to come stay."""
    with torch.no_grad():
        for mine, theirs in zip(new.parameters(), old.parameters(), strict=True):
            mine[: len(theirs)] = theirs


def _names(joint: Composite) -> frozenset[str]:
    """What a joint space is of, in whatever order."""
    return frozenset(a.name for a in joint.attributes)


def _places(before: Composite, after: Composite) -> list[int]:
    """For each class of `before`, the class of `after` with the same values, in any order."""
    names = [a.name for a in before.attributes]
    order = [names.index(a.name) for a in after.attributes]
    index = {cell: z for z, cell in enumerate(after.cells)}
    return [index[tuple(map(cell.__getitem__, order))] for cell in before.cells]

"""Parts: the interchangeable classes of a method, looked up by name.

A part is written `{name: Class, argument: value, ...}`. The class comes from the `__all__` of one
module of this package and from nowhere else, so that a configuration can never import or run
anything of its own, and a new class is offered as soon as it is written.

Its signature says who gives what: the program gives what stands by position (schema, counts, ...),
a user may write what is keyword-only (`*, tau: float = 1.0`), checked against the annotation.
Ranges are the constructor's.
"""

import inspect
from collections.abc import Callable, Mapping
from types import ModuleType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from modular_cls.config import Part
from modular_cls.errors import ConfigError, unknown

T = TypeVar("T")
_MANDATORY = inspect.Parameter.empty


def build_part(part: Part | str, module: ModuleType, base: type[T], where: str) -> Callable[..., T]:
    """Look a part up and bind the arguments that the configuration gives.

    Args:
        part: `{name: Class, argument: value, ...}`, or the bare class name.
        module: The one module whose `__all__` holds the classes that `name` may mean.
        base: What they are: strict subclasses of it are offered, nothing else.
        where: The configuration key, for messages.

    Returns:
        A function that takes what the program offers (schema, counts, ...) by keyword and builds
        the object from what of it the class asks for.

    Raises:
        ConfigError: If the class or an argument does not exist, with the nearest that does; or a
            value is not of the kind that its annotation asks for.
    """
    cls = part_class(part, module, base, where)
    arguments = {} if isinstance(part, str) else {k: v for k, v in part.items() if k != "name"}
    at, accepted = f"{where} ({cls.__name__})", user_arguments(cls)
    for key in arguments:
        if key not in accepted:
            raise ConfigError(unknown("key", key, accepted or ["none but name"], f"in {at}"))
    for key, parameter in accepted.items():
        if parameter.default is _MANDATORY and key not in arguments:
            raise ConfigError(f"{at} needs the argument {key}, which has no default")
    kinds = get_type_hints(cls.__init__)
    bound = {key: _checked(value, kinds[key], f"{at}: {key}") for key, value in arguments.items()}

    def build(**offered: Any) -> T:
        return cls(**_injected(cls, offered), **bound)

    return build


def _checked(value: Any, kind: Any, where: str) -> Any:
    """A value as its annotation has it; see `typed`."""
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    if type(value) in kinds:
        return value
    from modular_cls.arguments import typed  # slow to import, and an export's values are right

    return typed(value, kind, where)


def part_class(part: Part | str, module: ModuleType, base: type[T], where: str) -> type[T]:
    """The class that a part names; see `build_part`."""
    if not isinstance(part, (str, Mapping)):
        raise ConfigError(f"{where} is {part!r}; write {{name: ...}} with its arguments beside")
    name = str(part if isinstance(part, str) else part.get("name"))
    classes = offered_classes(module, base)
    if name not in classes:
        raise ConfigError(unknown("name", name, classes, f"in {where}"))
    return classes[name]


def offered_classes(module: ModuleType, base: type[T]) -> dict[str, type[T]]:
    """The public classes of a module that are strict subclasses of `base`, by name."""
    public = {name: getattr(module, name) for name in module.__all__}
    classes = {name: each for name, each in public.items() if inspect.isclass(each)}
    return {n: each for n, each in classes.items() if issubclass(each, base) and each is not base}


def user_arguments(cls: type) -> dict[str, inspect.Parameter]:
    """What a configuration may write: the keyword-only parameters, by name."""
    parameters = inspect.signature(cls).parameters
    return {name: p for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}


def _injected(cls: type, offered: Mapping[str, Any]) -> dict[str, Any]:
    """Of what the program offers, what a class asks for by position.

    Raises:
        ConfigError: If it asks for something else, an optional one included: it would never come.
    """
    parameters = inspect.signature(cls).parameters.values()
    asked = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    for name in asked:
        if name not in offered:
            problem = unknown("argument", name, offered, f"of {cls.__name__}, given by the program")
            raise ConfigError(f"{problem} (what a user may write stands after *)")
    return {name: offered[name] for name in asked}

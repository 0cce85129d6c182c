"""Parts: the interchangeable classes of a method, looked up by name.

A part is written `{name: Class, argument: value, ...}`. The class comes from the `__all__` of one
module of this package and from nowhere else, so that a configuration can never import or run
anything of its own, and a new class is offered as soon as it is written.
"""

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

from modular_cls.config import Part
from modular_cls.errors import ConfigError, unknown


def build_part(part: Part | str, module: ModuleType, where: str) -> Callable[..., Any]:
    """Look a part up and bind the arguments that the configuration gives.

    Args:
        part: `{name: Class, argument: value, ...}`, or the bare class name.
        module: The one module whose `__all__` holds the classes that `name` may mean.
        where: The configuration key, for messages.

    Returns:
        A function that takes what the program adds (schema, counts, ...) by keyword and builds the
        object.

    Raises:
        ConfigError: If the class or an argument does not exist, with the nearest that does.
    """
    arguments = {"name": part} if isinstance(part, str) else dict(part)
    name = str(arguments.pop("name", None))
    classes = [n for n in module.__all__ if inspect.isclass(getattr(module, n))]
    if name not in classes:
        raise ConfigError(unknown("name", name, classes, f"in {where}"))
    cls = getattr(module, name)
    accepted = [
        p for p in inspect.signature(cls).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    for key in arguments:
        if key not in [p.name for p in accepted]:
            raise ConfigError(
                unknown("key", key, [p.name for p in accepted], f"in {where} ({name})")
            )

    def build(**given: Any) -> Any:
        needed = {k: v for k, v in given.items() if k in inspect.signature(cls).parameters}
        return cls(**needed, **arguments)

    return build

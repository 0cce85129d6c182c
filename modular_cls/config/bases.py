"""A configuration file and those that it stands on, as its line `base: other.yaml` says.

# mine.yaml                    is read as   --config flat.yaml --config mine.yaml
base: flat.yaml
training: {updates: 300}
"""

from pathlib import Path
from typing import Any

import yaml

from modular_cls.config.shipped import configs_in, packaged_config, packaged_configs, with_suffix
from modular_cls.errors import ConfigError, nearest

BASE = "base"
_SAFE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # eight times faster, where it is built


class _Loader(_SAFE):  # type: ignore[misc]
    """Refuses a key that stands twice in one mapping, of which YAML would take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """As always, its keys all different."""
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                line = key.start_mark.line + 1
                if key.value in lines:
                    told = f"{key.value!r} stands here and in line {lines[key.value]}"
                    raise yaml.constructor.ConstructorError(
                        problem=told, problem_mark=key.start_mark
                    )
                lines[key.value] = line
        return super().construct_mapping(node, deep)


def with_bases(path: str | Path) -> list[Path]:
    """A configuration file after those that it stands on, the lowest first.

    A base is looked up beside the file that names it, then among those of the package.

    Raises:
        ConfigError: If a file is missing or damaged, or files stand on each other in a circle.
    """
    chain = [Path(path)]
    while BASE in (content := read_yaml(chain[-1])):
        lower = _base(chain[-1], content[BASE])
        if lower.resolve() in [file.resolve() for file in chain]:
            circle = " -> ".join(map(str, [*chain, lower]))
            raise ConfigError(f"{path}: base goes in a circle: {circle}; one must stand on none")
        chain.append(lower)
    return chain[::-1]


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping; raises ConfigError if the file is missing or holds none."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except ValueError as error:  # broken UTF-8
        raise ConfigError(f"{path} is corrupt: {error}") from None
    content = parse_yaml(text, str(path))
    if not isinstance(content, dict):
        raise ConfigError(f"{path} holds a {type(content).__name__}; it must be a mapping")
    return content


def parse_yaml(text: str, where: str) -> Any:
    """What YAML text holds; raises ConfigError if it is none, or a key stands in it twice."""
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise ConfigError(f"{where} is corrupt: {line}{error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{where} is corrupt: {str(error).splitlines()[0]}") from None


def _base(file: Path, name: Any) -> Path:
    if not isinstance(name, str) or not name.strip():
        raise ConfigError(f"{file}: base is {name!r}; it names one file, as {BASE}: flat.yaml")
    wanted = with_suffix(name)
    if (beside := file.parent / wanted).is_file():
        return beside
    if packaged := packaged_config(wanted):
        return packaged
    known = [other.name for other in (*configs_in(file.parent), *packaged_configs())]
    where = f"neither in {file.parent} nor in configs/"
    raise ConfigError(f"{file}: its base {wanted} is {where}{nearest(wanted, known)}")

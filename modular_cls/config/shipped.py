"""The configurations that come with the package, and how a name finds one."""

import os
from importlib import resources
from pathlib import Path

from modular_cls.errors import ConfigError, unknown

_PACKAGED = Path(str(resources.files("modular_cls"))) / "configs"  # of an installed package
CONFIGS = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[2] / "configs"
_SHARED = "base.yaml"  # what all methods stand on, and none itself


def packaged_configs(kind: str = "") -> list[Path]:
    """The configurations that come with the package.

    Those of the methods, or of one folder of `configs/`, such as `data`.
    """
    return [file for file in configs_in(CONFIGS / kind) if file != CONFIGS / _SHARED]


def packaged_config(name: str) -> Path | None:
    """That of the package with this name, with or without `configs/` before it."""
    inside = Path(*Path(name).parts[1:]) if Path(name).parts[:1] == ("configs",) else Path(name)
    file = CONFIGS / inside
    return file if os.path.isfile(file) and ".." not in inside.parts else None


def find_configs(arguments: list[str]) -> list[str]:
    """Let `--config NAME` mean one that comes with the package, where no file has that name."""
    words = list(arguments)
    for i, word in enumerate(arguments):
        if word.startswith("--config="):
            words[i] = f"--config={config_path(word.removeprefix('--config='))}"
        elif word == "--config" and i + 1 < len(arguments):
            words[i + 1] = config_path(arguments[i + 1])
    return words


def method_config(name: str) -> str:
    """Find the configuration of a method, given as a path or as the bare name of one in `configs/`.

    Raises:
        ConfigError: If there is none, with the nearest.
    """
    path = config_path(with_suffix(name))
    if os.path.isfile(path) and Path(path) != CONFIGS / _SHARED:
        return path
    known = [file.stem for file in packaged_configs()]
    raise ConfigError(unknown("method", name, known, "(a file, or the name of one in configs/)"))


def with_suffix(name: str) -> str:
    """The file that a bare name stands for."""
    return name if name.endswith((".yaml", ".yml")) else f"{name}.yaml"


def configs_in(folder: Path) -> list[Path]:
    """The YAML files of a folder, by name."""
    return sorted(folder.glob("*.yaml"))


def config_path(name: str) -> str:
    """A file; or that of the package with its name."""
    if os.path.exists(name) or os.path.isabs(name):  # of YAML in its place, too long for a name
        return name
    return str(packaged_config(name) or name)

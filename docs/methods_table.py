"""Write the table of docs/methods.md from the configurations.

    python docs/methods_table.py

What a method is stands in the first lines of its configuration; the rest is read from its fields.
"""

from collections.abc import Sequence
from pathlib import Path

from modular_cls import load_config
from modular_cls.config import Config
from modular_cls.config.shipped import packaged_configs

PAGE = Path(__file__).with_name("methods.md")
BEGIN, END = "<!-- methods -->", "<!-- end of methods -->"
HEADER = ("configuration", "what it is", "model", "criterion", "finish", "tuned")


def table(files: Sequence[Path]) -> str:
    """The table of all methods, one configuration each."""
    rows = [row(path) for path in sorted(files, key=place)]
    lines = [HEADER, ["---"] * len(HEADER), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def place(path: Path) -> tuple[bool, bool, str]:
    """Modular first, then flat ones, then what else composes."""
    return path.stem != "modular", not path.stem.startswith("flat"), path.stem


def row(path: Path) -> list[str]:
    """The cells of one method."""
    config = load_config(path)
    finish = ", ".join(map(part, config.finish)) or "–"  # noqa: RUF001 (a dash in a table)
    what = about(path)
    return [f"`{path.stem}`", what, part(config.model), criterion(config), finish, tuned(config)]


def about(path: Path) -> str:
    """The comment at the head of a configuration, as one sentence."""
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = lines[: next(i for i, line in enumerate(lines) if not line.startswith("#"))]
    return " ".join(line.lstrip("# ") for line in comments).replace("|", "\\|")


def criterion(config: Config) -> str:
    """What is minimised, and how images are drawn where not as they come."""
    drawn = config.data.sampling
    return part(config.criterion) + ("" if drawn == "shuffled" else f", {drawn} sampling")


def part(given: object) -> str:
    """A part with its arguments, which may be parts or lists of values themselves."""
    if isinstance(given, list):
        return " and ".join(map(part, given))
    if not isinstance(given, dict):
        return "all" if given is None else str(given)
    arguments = ", ".join(f"{key} {part(given[key])}" for key in given if key != "name")
    return f"{given['name']}" + (f" ({arguments})" if arguments else "")


def tuned(config: Config) -> str:
    """What a study may choose of it beside the learning rate."""
    return f"`{config.knob.key}`" if config.knob else "–"  # noqa: RUF001


def page(text: str) -> str:
    """The page with its table written anew."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{table(packaged_configs())}\n\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

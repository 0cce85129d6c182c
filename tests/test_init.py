"""What packages offer: exactly the names in `__all__`, each described."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import modular_cls
from modular_cls import criteria, finish
from modular_cls.models import heads

PACKAGE = Path(modular_cls.__file__).parent
PACKAGES = sorted(PACKAGE.rglob("__init__.py"))


def offered(tree):
    """Public names that a module makes, or brings from elsewhere in this package."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("modular_cls"):
            yield from (alias.asname or alias.name for alias in node.names)


def listed(tree):
    """What stands in `__all__`; of the package itself, those that it loads when first used."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return [e.value for e in node.value.elts if isinstance(e, ast.Constant)]
    return []


@pytest.mark.parametrize("path", PACKAGES, ids=lambda p: p.parent.name)
def test_what_a_package_offers_is_what_it_names(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    public = {name for name in offered(tree) if not name.startswith("_")}
    named = listed(tree)
    assert set(named) - {"__version__"} == public
    assert len(named) == len(set(named))


def described(text):
    return re.findall(r"^\.\. auto\w+:: (\w+)$", text, re.MULTILINE)


def test_every_public_name_is_on_the_page_of_the_api():
    page = (PACKAGE.parent / "docs" / "api.md").read_text(encoding="utf-8")
    public, named = map(described, page.split("## What a configuration names"))
    assert sorted(public) == sorted(set(modular_cls.__all__) - {"__version__"})
    for name in public:
        assert getattr(modular_cls, name).__doc__
    expected = set()
    for home, base in ((criteria, "Criterion"), (finish, "FinishStep")):
        parts = {n: getattr(home, n) for n in home.__all__ if inspect.isclass(getattr(home, n))}
        expected |= {n for n, part in parts.items() if part in subclasses(parts[base])}
    assert sorted(named) == sorted(expected | set(heads.__all__) - {"AttributeHead"})


def subclasses(base):
    return {deeper for each in base.__subclasses__() for deeper in (each, *subclasses(each))}

"""The site: `make docs` builds it, warnings as errors, nothing loaded from elsewhere."""

import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert

sys.path.insert(0, str(Path(__file__).parent.parent))
from modular_cls import __version__

project, author, release = "modular_cls", "The modular_cls authors", __version__
copyright = author
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["results/lecture/*/cells"]

html_theme = "furo"
html_title = "modular_cls"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_show_sphinx = False

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
# Generated pages go from the first level to the third; pages of runs are reached from the results,
# which tests/docs sees to.
suppress_warnings = ["myst.header", "toc.not_included"]

autodoc_typehints = "description"
autodoc_member_order = "bysource"
napoleon_numpy_docstring = False


def show_math(writer: Any, node: nodes.Element) -> None:
    """Write a formula as MathML, which browsers draw themselves."""
    display = "block" if isinstance(node, nodes.math_block) else "inline"
    writer.body.append(convert(node.astext(), display=display))
    raise nodes.SkipNode


def setup(app: Any) -> None:
    """Register the writer of formulas."""
    app.add_html_math_renderer("mathml", (show_math, None), (show_math, None))

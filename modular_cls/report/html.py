"""`report.html`: report.md as one file that asks for nothing, with tables that can be sorted.

Figures are in it, and each missed picture can be opened (sheets.py). The frame is report.html.
"""

import base64
import json
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from markdown_it import MarkdownIt

from modular_cls.files import replacing_file
from modular_cls.report.sheets import Sheet

_FIGURE = re.compile(r'<img src="([\w.-]+\.png)" alt="([^"]*)"\s*/?>')
_ALT = {
    "report": "The scores of each method against the number of rare training images kept",
    "recall": "Recall of each joint class, methods side by side",
    "confusion": "Confusion matrices, in percent of the test images of each class",
    "misses": "Rare test images that are missed most often",
}


def write_html(path: Path, markdown: str, sheets: Sequence[Sheet]) -> None:
    """Write the page.

    Args:
        path: Where to; the figures that the text names lie beside it.
        markdown: The text of `report.md`.
        sheets: The missed pictures of each composite.
    """
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    body = _FIGURE.sub(lambda match: _inlined(path.parent / match[1], match[2]), body)
    frame = resources.files("modular_cls.report").joinpath("report.html").read_text("utf-8")
    data = json.dumps([sheet.to_dict() for sheet in sheets]).replace("</", "<\\/")
    parts = {"body": body, "sheets": data}
    page = re.sub(r"\{\{(body|sheets)\}\}", lambda match: parts[match[1]], frame)
    with replacing_file(path) as partial:
        partial.write_text(page, encoding="utf-8")


def _inlined(figure: Path, name: str) -> str:
    """A figure as part of the page, with words for who cannot see it."""
    kind, _, number = name.partition("_")
    words = _ALT.get(kind, name) + (f" ({number})" if number else "")
    data = base64.b64encode(figure.read_bytes()).decode()
    return f'<img src="data:image/png;base64,{data}" alt="{words}">'

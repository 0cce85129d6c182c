"""The lecture's own numbers, drawn beside ours: word error against depth.

Seide, Li and Yu, "Conversational speech transcription using context-dependent deep neural
networks", Interspeech 2011.
"""

from typing import Any

from matplotlib.axes import Axes

from modular_cls.report.style import COLOURS, LINES, MARKERS

# By hidden layers of 2,048 units; of one hidden layer with as many parameters as so many.
SEIDE = {1: 0.242, 2: 0.204, 3: 0.184, 4: 0.178, 5: 0.172, 7: 0.171}
SEIDE_TWINS = {5: 0.225, 7: 0.226}
SEIDE_WIDE = 0.221


def draw_seide(axis: Axes) -> None:
    """Their curve, its twins of one layer, and a line for 16,384 units in one."""
    both = ((SEIDE, "layers of 2,048 units"), (SEIDE_TWINS, "1 layer, as many parameters"))
    for i, (errors, label) in enumerate(both):
        look: dict[str, Any] = {
            "color": COLOURS[2 * i], "marker": MARKERS[2 * i], "linestyle": LINES[2 * i],
        }  # fmt: skip
        axis.plot(list(errors), list(errors.values()), linewidth=1.7, label=label, **look)
    line = {"color": COLOURS[1], "linestyle": LINES[1], "linewidth": 0.9}
    axis.axhline(SEIDE_WIDE, label="1 layer, 16,384 units", **line)  # type: ignore[arg-type]

"""Speech recognition: a hand-made pipeline is handed over to learning stage by stage.

On the way, speakers merge, and nets grow deep. All of it is measured on 3,000 spoken digits, 22
minutes by six speakers, each of whom is held out in turn: what is true of six voices is no more
than that.
"""

from modular_cls.lecture.speech.pipeline import needs

__all__ = ["PARTS", "needs"]

PARTS = ("pipeline",)

"""Tall and thin beats short and fat.

The lecture's numbers are those of Seide, Li and Yu ("Conversational speech transcription using
context-dependent deep neural networks", Interspeech 2011): word error of 24.2, 20.4, 18.4, 17.8,
17.2 and 17.1 % with 1, 2, 3, 4, 5 and 7 hidden layers of 2,048 units. One hidden layer with as many
parameters as 5 has 22.5 %, with as many as 7 it has 22.6 %, and with 16,384 units 22.1 %. Their
nets were pretrained layer by layer; these are not.

A linear classifier nearly solves pictures and spoken digits as small as those here. Strings made of
parts that are made of parts are a task that asks for layers, if any does: a net that knows a part
can use it everywhere. How much a unit sees and how deep a net is are told apart.
"""

from modular_cls.lecture.depth.pictures import needs

__all__ = ["PARTS", "needs"]

PARTS = ("pictures", "reach", "strings", "frames")

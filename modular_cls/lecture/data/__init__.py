"""Deep and modular nets need less data.

The claim is the lecture's: a deep net is modular, its basic classifiers share the data of all
classes, so that few pictures are enough. It gives no numbers. Here all joint classes are equally
common. The stronger form, where one joint class has k pictures and the others have all theirs, is
the main subject of this library: see docs/results.
"""

from modular_cls.lecture.data.pictures import needs

__all__ = ["PARTS", "needs"]

PARTS = ("pictures", "joint", "strings", "merging")

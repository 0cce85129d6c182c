"""The words of one problem: attributes, their values, and the joint classes made of them.

Standard library only; almost every other file imports this one. The order of attributes and values
is part of the meaning (weights are stored by position), so everything here is an ordered tuple.

Its files, in the order to read them:

    composite  attributes, composites, and joint classes with their names
    spec       the `schema:` block of a YAML file, read
    schema     the whole problem, and the joint spaces that models score
"""

from modular_cls.schema.composite import RESERVED, Attribute, Composite, Conclusion
from modular_cls.schema.schema import MAX_CLASSES, MAX_JOINT_CLASSES, Schema

__all__ = [
    "MAX_CLASSES",
    "MAX_JOINT_CLASSES",
    "RESERVED",
    "Attribute",
    "Composite",
    "Conclusion",
    "Schema",
]

"""The built-in drawn faces: a data set that is always there, written like any converter's."""

from modular_cls.data.faces.write import SCHEMA, write_faces

__all__ = ["SCHEMA", "write_faces"]

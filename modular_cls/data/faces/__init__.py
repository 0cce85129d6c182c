"""The built-in drawn faces: a data set that is always there, written like any converter's."""

from modular_cls.data.faces.write import SCHEMA, faces_schema, write_faces

__all__ = ["SCHEMA", "faces_schema", "write_faces"]

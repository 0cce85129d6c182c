"""The built-in drawn faces: a data set that is always there, written like any converter's."""

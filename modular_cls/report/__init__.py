"""Finished runs -> a page that compares them honestly."""

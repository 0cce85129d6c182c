"""A page in the browser: what a run sees in a picture, and where it looked.

It also shows what follows from what else is known.
"""

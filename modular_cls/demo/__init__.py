"""A page in the browser: what a run sees in a picture, where it looked, and what follows from what else is known."""

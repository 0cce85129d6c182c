"""Run folders: their files, what is kept of a training, and how their metrics read."""

"""From a configuration to a run folder, and the metrics of a run on any pictures.

Not `train`, which is the function that `from modular_cls import train` means.
"""

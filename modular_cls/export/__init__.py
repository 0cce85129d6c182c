"""Export: a run folder -> a folder that timm, ONNX runtimes and this package open.

Whole.py writes it.
"""

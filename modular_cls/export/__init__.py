"""Export: a run folder -> a folder that timm, ONNX runtimes and this package open.

export.py writes it.
"""

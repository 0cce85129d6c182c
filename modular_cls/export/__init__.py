"""Export: a run folder -> a folder that timm, ONNX runtimes and this package open.

Its files, in the order to read them:

    folder   the format
    network  the backbone as a folder of timm's
    graph    the whole model as one ONNX graph
    card     the model card
    record   what is kept of the run so that it can be extended
    export   writes all of it
    read     reads it, with every check
    runtime  its network in ONNX Runtime
    command  `modular-cls export`
"""

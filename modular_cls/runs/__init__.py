"""Run folders: their files, what is kept of a training, and how their metrics read.

Its files, in the order to read them:

    folder         names of the files, `Run`, how it is written and loaded
    weights        weights (safetensors) and JSON, with digests
    identity       what makes it that run
    backbone_file  the network that it stands on
    scores         attribute scores of training images, for joint classes to come
    score_table    the scores that methods are compared by
    terminal       metrics, printed
"""

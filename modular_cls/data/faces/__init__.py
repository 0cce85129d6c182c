"""The built-in drawn faces: a data set that is always there, written like any converter's.

Its files, in the order to read them:

    cues     what a face shows: cues of each attribute, and nuisances
    draw     cues -> picture
    write    the whole data set in a folder
    command  `modular-cls faces`
"""

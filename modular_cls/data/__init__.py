"""Data: manifest, scarcity, pictures, loaders, and the built-in faces.

Its files, in the order to read them:

    text_table      the only reader of text: separators and encodings
    parquet_table   the only reader of Parquet
    table_cells     what a cell means: spellings of one value, words for unknown
    whereabouts     which files are there, and why others are not
    picture_files   which files of a folder are pictures
    manifest        the table: pictures, splits, labels
    labels          what is known of some images
    scarcity        which training images are kept, and which are held out
    limit           a few pictures, for a first look
    preparation     size and scale of what a network sees
    images          the only decoder: bytes -> RGB uint8
    colours         depths and profiles, brought to sRGB
    fitting         pictures of another shape: squashed, padded, cropped
    cache           pictures decoded once
    shards          rows by key on disk, where decoded pictures and features are
    overlap         pictures with the same content
    transforms      random changes of training images
    pipelines       such changes of the user's own (albumentations)
    contradictions  labels that such changes make wrong
    dataset         manifest -> pictures and targets
    sampling        the order of a training
    datamodule      all of it, as Lightning asks for it
    faces/          the built-in drawn faces
"""

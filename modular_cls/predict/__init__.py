"""A run or an export at work: pictures in, probabilities, embeddings and tables out.

Its files, in the order to read them:

    assumptions     what is assumed of pictures before they are seen
    predictor       pictures -> probabilities and embeddings
    predictions     what it answers
    engine          torch or ONNX Runtime
    named_pictures  what a person means by IMAGES
    listed          pictures one by one, or of a table
    batches         the size of batches that is fastest
    table_parts     rows on disk that survive an interruption
    tables          the table in the end: CSV or Parquet
    predict         many pictures -> one table
    mapped          the same as a function of tables
    cluster         the same on a cluster
    command         `modular-cls predict`
"""

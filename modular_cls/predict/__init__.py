"""A run or an export at work: pictures in, probabilities, embeddings and tables out."""

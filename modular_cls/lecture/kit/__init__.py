"""What the claims of the lecture share.

Its files, in the order to read them:

    part        a claim and its parts
    claim       a claim, measured into a folder
    lab         where cells are measured
    statement   what can fail
    claim_page  the page of a claim
    curves      the lines of its figures
    published   the lecture's own numbers
    nets        small nets and their sizes
    learning    how all of them are trained
    rates       a learning rate for every net of a table
    sets        pictures as tensors
    hierarchy   strings whose parts are made of parts
    strings     nets that read them
    recordings  spoken digits, and speech recognition by hand
"""

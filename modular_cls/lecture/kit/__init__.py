"""What the claims of the lecture share.

Cells, statements, curves, sets, nets and their training.
"""

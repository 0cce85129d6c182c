"""The lecture "why deep learning?", claim by claim: each measured, drawn and judged.

A claim is one file with `compute(lab)`, which measures its tables, and `draw(lab, tables)`, which
draws its figures; beside them stand what it states (`STATEMENTS`), what it measures (`MEASURES`,
how each column is printed) and which data it `needs(data)`.
"""

"""The lecture "why deep learning?", claim by claim: each measured, drawn and judged.

A claim is one file with `compute(lab)`, which measures its tables, and `draw(lab, tables)`, which
draws its figures; beside them stand what it states (`STATEMENTS`), what it measures (`MEASURES`,
how each column is printed) and which data it `needs(data)`.

Its files, in the order to read them:

    circuits, constructed, circuit_figures           few neurons in many layers
    layers, probes, layer_statements, layer_figures  what each layer knows
    pixels                                           features by hand, and learned
    data/ depth/ mimic/ speech/                      claims of several parts
    kit/                                             what all of them share
    command                                          `modular-cls lecture`
"""

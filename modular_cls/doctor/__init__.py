"""What this machine has and what it lacks: versions, cores, GPU, cache, weights, data sets.

Its files, in the order to read them:

    software  versions, and what is missing for which extra
    machine   cores, GPU, cache
    material  weights and data sets
    finding   what was looked at, and what came out
    examine   all of it in order
    command   `modular-cls doctor`
"""

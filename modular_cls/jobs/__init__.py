"""Where long work runs, and how it shows.

Its files, in the order to read them:

    cores      the same for each of many pictures, on all cores
    executors  this process, some processes, or a dask cluster
    pieces     a long job in many pieces on an executor, each tried twice
    meter      a bar with the time left
    signals    what ends a program, and what is still done then
"""

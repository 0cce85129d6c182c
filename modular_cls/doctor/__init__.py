"""What this machine has and what it lacks: versions, cores, GPU, cache, weights, data sets."""

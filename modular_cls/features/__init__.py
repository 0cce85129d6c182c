"""Features of a frozen backbone, each picture once, and heads on them, solved and not trained.

Its files, in the order to read them:

    extract   picture -> features, each picture once, kept on disk
    kept      where they are kept, for those who predict
    spread    the same by many workers
    basis     features centred, on one scale, turned
    folds     which fold an image is scored in
    solve     heads as convex problems
    ridge     chosen by cross-validation
    crossfit  scores by fits without the image
    sharing   how much joint classes share of their weights
    linear    one linear classifier, for what is fitted after the heads
"""

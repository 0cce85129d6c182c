"""From a configuration to a run folder, and the metrics of a run on any pictures.

Not `train`, which is the function that `from modular_cls import train` means.

Its files, in the order to read them:

    reading        files and flags -> a configuration whose method was rehearsed
    rehearsal      a method on stand-ins: what does not fit is refused when it is read
    fit            configuration -> all built and checked, then fitted
    task           one step for training, validation and test
    metrics        pure functions of a confusion matrix
    announce       what is said before
    trainer        Lightning's trainer
    checkpoint     files of a training that goes on exactly
    saver          when they are written, and what of Lightning's state is in them
    randomness     random generators, taken and put back
    history        what is logged
    terms          what makes it that training
    average        the average of the weights
    best           ends where validation falls no more
    finite         ends where numbers are none
    look           a first look, within seconds (`--limit`)
    knob           the knob of a method
    frozen         the other road: features, then heads that are solved
    solved         what a criterion minimises, minimised
    partly         images that know some attributes only, for solved heads
    ending         finish steps, for both roads
    train          the run folder: fitted, ended, tested, written
    evaluate       metrics on any manifest
    interventions  what a model answers with an attribute set to the truth
    estimator      heads on features from anywhere, for scikit-learn
    settings       what that is given beside features and labels
    targets        a table of answers from anywhere -> labels
    command        `modular-cls train` and `modular-cls evaluate`
"""

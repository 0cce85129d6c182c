"""Many runs compared: methods x images kept x seeds.

Its files, in the order to read them:

    grid     what a study may be asked for
    variant  a method that differs from another in a few lines
    cells    what to run, into which folders
    study    runs what is not finished
    tuning   trials that choose rate and knob
    tuned    `tuned.yaml`, what they chose
    command  `modular-cls study`
"""

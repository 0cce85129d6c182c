"""More attributes and composites for a trained run, on its frozen backbone.

Its files, in the order to read them:

    extension      what a run is extended by
    grown          the model, with old weights where they belong
    attribute_fit  heads of new attributes and values
    growth         the extended model, fitted
    extend         run -> run
    command        `modular-cls extend`
"""

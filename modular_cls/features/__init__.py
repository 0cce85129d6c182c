"""Features of a frozen backbone, each picture once, and heads on them, solved and not trained."""

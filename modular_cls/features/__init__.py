"""Features of a frozen backbone: every picture once, and heads on them that are solved, not trained."""

"""Where long work runs, and how it shows."""

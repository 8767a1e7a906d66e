"""From that table to a plan: which products, which grid, which files, which time steps, in what order."""

"""What training makes small: one file an objective, with its settings on top and what it computes below."""

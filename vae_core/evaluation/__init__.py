"""How good a model is, measured over a whole split."""

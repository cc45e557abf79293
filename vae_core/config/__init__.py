"""What can be set about a model and a run, and the command line options made of it."""

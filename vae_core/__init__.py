"""The headless core of Latent Walk: models, data, training, diagnostics. Imports nothing heavy by itself."""

import os

# A training run and the page's decoder share the cores. libgomp's threads otherwise spin for milliseconds while they wait, which
# on a busy machine starves the very thread they wait for (measured: steps ten times slower); not spinning at all costs a wake-up
# for each of a step's hundred operations (a small network's step a third slower). So: some microseconds. Read when torch loads.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

"""The headless core of Latent Walk: models, data, training, diagnostics. Imports nothing heavy by itself."""

import os

# A training run and the page's decoder share the cores. libgomp's threads otherwise spin while they wait, which on a busy
# machine starves the very thread they wait for (measured: steps ten times slower). Read once, when torch loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

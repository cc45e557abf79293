"""The VAE: networks, posterior, likelihoods, first weights."""

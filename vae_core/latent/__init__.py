"""What a loaded model says about points of its latent space."""

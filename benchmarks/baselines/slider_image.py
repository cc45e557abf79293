"""A latent explorer as a tutorial writes it: `st.slider` and `st.image`. Baseline of drag_latency.py."""

import os

import streamlit as st

from vae_core.latent.latent_model import open_model

model = st.cache_resource(open_model)(os.environ["BENCH_MODEL"])
rail, picture = st.columns(2)
z = [rail.slider(f"z{d}", -3.0, 3.0, 0.0, 0.01) for d in range(model.latent_dim)]
picture.image(model.decode([z])[0], width=400)

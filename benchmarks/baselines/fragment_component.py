"""A v2 component whose every input event reruns a fragment, which sends the picture back. Baseline of drag_latency.py."""

import base64
import os

import streamlit as st

from vae_core.latent.latent_model import open_model

JS = """
const seen = new WeakMap();
export default function ({ data, parentElement, setStateValue }) {
  let root = seen.get(parentElement);
  if (!root) {
    root = parentElement.querySelector('.root');
    seen.set(parentElement, root);
    const z = new Array(data.size).fill(0);
    for (let d = 0; d < data.size; d += 1) {
      const input = document.createElement('input');
      Object.assign(input, { type: 'range', min: -3, max: 3, step: 'any', value: 0, ariaLabel: `z${d}` });
      input.style.display = 'block';
      input.style.width = '400px';
      input.addEventListener('input', (event) => {
        z[d] = input.valueAsNumber;
        setStateValue('point', { z: [...z], start: event.timeStamp });
      });
      root.append(input);
    }
    root.canvas = document.createElement('canvas');
    root.canvas.width = root.canvas.height = 64;
    root.canvas.dataset.testid = 'decoded';
    root.append(root.canvas);
  }
  const pixels = Uint8Array.from(atob(data.pixels), (c) => c.charCodeAt(0));
  const context = root.canvas.getContext('2d');
  const image = context.createImageData(64, 64);
  for (let i = 0, j = 0; i < image.data.length; i += 4, j += 3) {
    image.data.set([pixels[j], pixels[j + 1], pixels[j + 2], 255], i);
  }
  context.putImageData(image, 0, 0);
  if (data.start) performance.measure('drag-to-paint', { start: data.start, end: performance.now() });
}
"""
model = st.cache_resource(open_model)(os.environ["BENCH_MODEL"])
explorer = st.components.v2.component("bench.explorer", html="<div class='root'></div>", js=JS, isolate_styles=False)


@st.fragment
def explore() -> None:
    point = st.session_state.get("explorer", {}).get("point") or {"z": [0.0] * model.latent_dim, "start": 0}
    pixels = base64.b64encode(model.decode([point["z"]])[0].tobytes()).decode()
    data = {"size": model.latent_dim, "pixels": pixels, "start": point["start"]}
    explorer(key="explorer", data=data, on_point_change=lambda: None)


explore()

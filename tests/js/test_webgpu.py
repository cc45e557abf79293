"""The decoder on a graphics card: onnxruntime-web's build for WebGPU, where Chromium makes a card of the processor."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from tools.browser import find
from tools.renew_onnxruntime_web import FOLDER
from vae_core.model_files.model_list import PROJECT
from vae_core.onnx_export.torch_to_onnx import exported_file

ARGUMENTS = ["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"]
TYPES = {"mjs": "text/javascript", "wasm": "application/wasm"}
BOTH = """async () => {
  const m = await import('/explorer/decoder/browser_decoder.js');
  const life = new AbortController();
  const points = [0, 1, 2].map((k) => Array.from({length: 10}, (_, i) => Math.sin(k + i)));
  const drawn = {};
  for (const provider of ['wasm', 'webgpu']) {
    const decoder = new m.BrowserDecoder({runtime: '/runtime/', decoder: '/decoder.onnx', latentDim: 10, provider}, life.signal);
    await decoder.open();
    drawn[provider] = await decoder.decode(points);
  }
  life.abort();
  const difference = (a, b) => a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);
  const off = drawn.wasm.map(({pixels}, k) => difference(pixels, drawn.webgpu[k].pixels));
  const spread = drawn.webgpu.map(({pixels}) => Math.max(...pixels) - Math.min(...pixels));
  return {off, spread};
}"""


@pytest.fixture
def page_with_gpu(browser: Any, files: str) -> Any:
    with browser.browser_type.launch(executable_path=find(), args=ARGUMENTS) as other:
        page = other.new_page()
        page.goto(f"{files}/blank.html")
        if not page.evaluate("async () => Boolean(await navigator.gpu?.requestAdapter())"):
            pytest.skip("this Chromium makes no graphics card of a processor")
        yield page


def test_a_shipped_decoder_draws_the_same_on_a_graphics_card(page_with_gpu):
    onnx = exported_file(PROJECT / "checkpoints" / "mnist-10d.safetensors", "decoder", half=False)

    def runtime(route: Any) -> None:
        name = route.request.url.rsplit("/", 1)[1]
        route.fulfill(body=gzip.decompress((FOLDER / f"{name}.gz").read_bytes()), content_type=TYPES[name.rsplit(".", 1)[1]])

    page_with_gpu.route("**/runtime/*", runtime)
    page_with_gpu.route("**/decoder.onnx", lambda route: route.fulfill(body=onnx))
    drawn = page_with_gpu.evaluate(BOTH)
    assert max(drawn["off"]) <= 1
    assert min(drawn["spread"]) > 50, "pictures, not one grey"

"""The decoder in the browser and its worker, against a stand-in for onnxruntime-web whose model copies what it is given."""

from __future__ import annotations

import json
from typing import Any

import pytest

# D latents in; out: two rows of D pixels, z and z + 0.5. A model file is JSON that says what the stand-in is to do.
RUNTIME = """
export const env = {wasm: {}};
export class Tensor { constructor(type, data, dims) { Object.assign(this, {type, data, dims}); } }
export const InferenceSession = {
  async create(bytes, options) {
    const told = JSON.parse(new TextDecoder().decode(bytes));
    if (told.broken) throw new Error('this is no model');
    const [provider] = options.executionProviders;
    const off = told.offOn === provider ? 0.1 : 0;
    let runs = 0;
    return {
      inputNames: ['z'], outputNames: ['image'],
      async run({z}) {
        if (told.crash) setTimeout(() => { throw new Error('out of memory'); });
        if (told.crash) await new Promise(() => {});
        if (told.crashAt !== undefined && Math.fround(told.crashAt) === z.data[0]) throw new Error('out of memory');
        runs += 1;
        const here = told.lateAt === undefined || Math.fround(told.lateAt) === z.data[0];
        if (told.lateOn?.[provider]) await new Promise((go) => setTimeout(go, told.lateOn[provider]));
        if (told.late && here && runs > (told.lateAfter ?? 0)) await new Promise((go) => setTimeout(go, told.late));
        const [n, d] = z.dims;
        const data = new Float32Array(2 * n * d);
        for (let i = 0; i < n; i += 1) for (let j = 0; j < d; j += 1) {
          const value = z.data[i * d + j];
          [data[i * 2 * d + j], data[i * 2 * d + d + j]] = [value + off, value + 0.5 + off];
        }
        const dims = told.nhwc ? [n, 1, d, 2] : [n, told.channels ?? 1, 2 / (told.channels ?? 1), d];
        return {image: new Tensor('float32', data, dims)};
      },
    };
  },
};
"""


@pytest.fixture
def decoder(js: Any) -> Any:
    """decoder(body, model={...}, options={...}): the body runs with `decoder`, opened, and `m`."""
    asked: list[str] = []

    def runtime(route: Any) -> None:
        asked.append(route.request.url.rsplit("/", 1)[1])
        route.fulfill(body=RUNTIME, content_type="text/javascript")

    js.page.context.route("**/stand-in/*", runtime)

    def call(body: str, model: dict[str, Any] | None = None, options: dict[str, Any] | None = None) -> Any:
        function = f"""async (m, model, options) => {{
          const bytes = new TextEncoder().encode(JSON.stringify(model)).buffer;
          const given = {{runtime: '/stand-in/', decoder: bytes, latentDim: 2, ...options}};
          const decoder = new m.BrowserDecoder(given, life.signal);
          const pixels = (answers) => answers.map((answer) => [...answer.pixels]);
          const failed = (promise) => promise.then(() => 'no error', (error) => error.message);
          {body}
        }}"""
        return js("explorer/decoder/browser_decoder.js", function, model or {}, options or {})

    call.page = js.page  # type: ignore[attr-defined]
    call.asked = asked  # type: ignore[attr-defined]
    return call


def test_points_become_answers_as_the_socket_brings_them(decoder):
    found = decoder(
        """await decoder.open();
        const [answer] = await decoder.decode([[0, 0.2]]);
        const many = await decoder.decode(Float32Array.from([0, 0.2, 0.4, 1]));
        const {kind, height, width, channels} = answer;
        return [kind, height, width, channels, pixels([answer]), pixels(many), decoder.backend];"""
    )
    assert found == ["pixels", 2, 2, 1, [[0, 51, 128, 178]], [[0, 51, 128, 178], [102, 255, 229, 255]], "wasm"]
    assert decoder.asked == ["ort.wasm.bundle.min.mjs"]


@pytest.mark.parametrize(
    ("layout", "value_range", "z", "expected"),
    [
        ("nchw", "unit", [0.2, 0.4], [51, 178, 102, 229]),  # channel by channel in the file, pixel by pixel in the answer
        ("nhwc", "unit", [0.2, 0.4], [51, 102, 178, 229]),
        ("nchw", "symmetric", [-1.5, 0], [0, 0, 128, 191]),
        ("nchw", "logits", [0, -0.5], [128, 159, 96, 128]),
    ],
)
def test_layouts_and_ranges_of_foreign_decoders(decoder, layout, value_range, z, expected):
    model = {"nhwc": True} if layout == "nhwc" else {"channels": 2}
    body = f"await decoder.open(); return pixels(await decoder.decode([{z}]))[0];"
    assert decoder(body, model, {"layout": layout, "range": value_range}) == expected


def test_small_pictures_are_means_of_the_pixels_that_they_stand_for(decoder):
    found = decoder("await decoder.open(); return pixels(await decoder.decode([[0.1, 0.3]], {side: 1}));")
    assert found == [[115]]  # of 0.1, 0.3, 0.6 and 0.8


def test_an_urgent_picture_goes_before_many_that_wait_and_nobody_waits_for_what_was_given_up(decoder):
    order = decoder(
        """await decoder.open();
        const order = [];
        const many = Array.from({length: 200}, (_, i) => [i / 200, 0]);
        const nobody = new AbortController();
        await Promise.all([
          decoder.decode(many).then((found) => order.push(`many ${found.length}`)),
          decoder.decode(many, {signal: nobody.signal}).then((found) => order.push(`given up ${found}`)),
          decoder.decode([[0, 0]], {urgent: true}).then(() => { nobody.abort(); order.push('urgent'); }),
        ]);
        return order;"""
    )
    assert order == ["urgent", "given up null", "many 200"]


def test_it_measures_itself(decoder):
    assert 0 < decoder("await decoder.open(); await decoder.measure([[0, 0]]); return decoder.milliseconds;") < 1000


def test_a_file_that_is_no_model_and_a_runtime_that_is_not_there_are_sentences(decoder):
    assert "this is no model" in decoder("return failed(decoder.open());", {"broken": True})
    assert decoder("return failed(decoder.open());", {}, {"runtime": "/nowhere/"}) != "no error"


def test_a_worker_that_dies_refuses_what_was_asked_and_ends_the_decoder(decoder):
    error, ended = decoder(
        "await decoder.open(); return [await failed(decoder.decode([[0, 0]])), decoder.signal.aborted];", {"crash": True}
    )
    assert "out of memory" in error
    assert ended


def test_closing_ends_the_worker_and_every_question(decoder):
    found = decoder(
        """await decoder.open();
        const open = failed(decoder.decode([[0, 0]]));
        life.abort();
        return [await open, await failed(decoder.decode([[0, 0]]))];"""
    )
    assert found == ["the model was closed", "the model was closed"]
    for _ in range(100):  # the browser ends it a moment later
        if not decoder.page.workers:
            break
        decoder.page.wait_for_timeout(50)
    assert decoder.page.workers == []


def test_a_browser_without_vectors_says_so(decoder):
    assert "SIMD" in decoder("WebAssembly.validate = () => false; return failed(decoder.open());")


def test_a_file_that_is_still_being_made_is_asked_for_again_and_a_refusal_is_told(decoder):
    answers = [(202, ""), (200, json.dumps({})), (404, "This model is too large to be decoded in a browser.")]

    def serve(route: Any) -> None:
        status, body = answers.pop(0)
        route.fulfill(status=status, body=body, headers={"Retry-After": "0.05"})

    decoder.page.route("**/onnx/decoder*", serve)
    body = "await decoder.open(); return pixels(await decoder.decode([[0, 0.2]]));"
    assert decoder(body, None, {"decoder": "/onnx/decoder?model=x"}) == [[0, 51, 128, 178]]
    refusal = decoder("return failed(decoder.open());", None, {"decoder": "/onnx/decoder?model=x"})
    assert refusal == "This model is too large to be decoded in a browser."

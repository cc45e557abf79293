"""The explorer's modules one by one: frames, latency figures, ranges, the address, the session."""

from __future__ import annotations

import struct

import numpy as np
import pytest

FRAMES, LATENCY, NUMBERS = "explorer/connection/binary_messages.js", "explorer/picture/latency.js", "explorer/format_numbers.js"
SLIDER = "explorer/sliders/slider.js"

DECODED = """(m, b) => { const {sequence, answer} = m.readPicture(Uint8Array.from(b).buffer);
  return {sequence, ...answer, pixels: [...answer.pixels]}; }"""


def test_a_request_frame_is_what_the_server_reads(js):
    frame = js(FRAMES, "(m, seq, z) => [...new Uint8Array(m.encodePicture(seq, z))]", 4_000_000_000, [0.5, -1.25])
    assert bytes(frame) == struct.pack("<B3xI", 10, 4_000_000_000) + np.array([0.5, -1.25], "<f4").tobytes()


def test_a_reply_frame_is_what_the_server_writes(js):
    frame = struct.pack("<BBxxIHH", 1, 3, 7, 1, 2) + bytes([1, 2, 3, 4, 5, 6])
    read = js(FRAMES, DECODED, list(frame))
    assert read == {"kind": "pixels", "sequence": 7, "height": 1, "width": 2, "channels": 3, "pixels": [1, 2, 3, 4, 5, 6]}


def test_a_reply_with_pixels_missing_is_refused(js):
    frame = struct.pack("<BBxxIHH", 1, 3, 7, 2, 2) + bytes(5)
    failed = js(FRAMES, f"(m, b) => {{ try {{ return ({DECODED})(m, b); }} catch (e) {{ return e.message; }} }}", list(frame))
    assert "5 pixels for 1 x 2x2x3" in failed


def test_the_meter_gives_nearest_rank_quantiles_and_pictures_of_the_last_second(js):
    fed = """(m) => { const t = new m.Latency(life.signal);
      for (let i = 1; i <= 100; i += 1) t.add(50 * i - i, 50 * i);
      return t.read(); }"""
    figures = js(LATENCY, fed)
    assert figures == {"rate": 20, "p50": 50, "p95": 95}
    assert js(LATENCY, "(m) => new m.Latency(life.signal).read()") is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("1.5", 1.5), (" -2 ", -2), ("−0,25", -0.25), ("1e2", 100)],
        *[("", None), ("a", None), ("NaN", None), ("Infinity", None), ("1e9", None)],
    ],
)
def test_typed_values_are_numbers_or_nothing(js, text, value):
    assert js(NUMBERS, "(m, t) => m.parsed(t)", text) == value


def test_a_range_grows_to_hold_values_and_never_shrinks(js):
    assert js(SLIDER, "(m) => m.widened({low: -1, high: 1}, [0.5, 3])") == {"low": -1, "high": 3}
    assert js(SLIDER, "(m) => m.widened({low: -1, high: 1}, [0])") == {"low": -1, "high": 1}


def test_values_are_shown_with_two_decimals_and_without_a_negative_zero(js):
    assert js(NUMBERS, "(m) => [1, -0, -0.001, -1.005].map(m.shown)") == ["1.00", "0.00", "0.00", "−1.00"]


def test_prior_draws_are_standard_normal(js):
    mean, variance, fourth = js(
        NUMBERS,
        """(m) => { const n = 40000; let a = 0, b = 0, c = 0;
        for (let i = 0; i < n; i += 1) { const x = m.normal(); a += x; b += x * x; c += x ** 4; }
        return [a / n, b / n, c / n]; }""",
    )
    assert mean == pytest.approx(0, abs=0.03)
    assert variance == pytest.approx(1, abs=0.05)
    assert fourth == pytest.approx(3, abs=0.4)


def test_the_address_keeps_other_parameters_and_readable_commas(js):
    href = js("explorer/state/address_bar.js", "(m) => m.addressOf('http://h/?a=b&model=old&z=9', 'my model', [0.12345, -0, -1])")
    assert href == "http://h/?model=my%20model&z=0.1235,0,-1&a=b"


def test_the_picture_counts_what_it_paints_and_keeps_every_pixel(js):
    seq, size, pixels = js(
        "explorer/renderer/renderer.js",
        """(m) => { const picture = new m.Surface({}); const canvas = picture.element;
        const size = {kind: 'pixels', height: 1, width: 2};
        picture.paint({...size, channels: 1, pixels: Uint8Array.from([0, 200])});
        picture.paint({...size, channels: 3, pixels: Uint8Array.from([1, 2, 3, 250, 251, 252])});
        const data = canvas.getContext('2d').getImageData(0, 0, 2, 1).data;
        return [canvas.dataset.seq, [canvas.width, canvas.height], [...data]]; }""",
    )
    assert (seq, size) == ("2", [2, 1])
    assert pixels == [1, 2, 3, 255, 250, 251, 252, 255]


def test_an_animation_starts_where_the_slider_stands(js):
    first, low, high = js(
        "explorer/sliders/animation.js",
        """async (m) => { const seen = []; const a = new m.ToAndFro();
        a.start({low: -2, high: 4}, 2.5, (v) => seen.push(v));
        while (seen.length < 5) await new Promise((r) => setTimeout(r, 20));
        a.stop();
        return [seen[0], Math.min(...seen), Math.max(...seen)]; }""",
    )
    assert first == pytest.approx(2.5, abs=0.01)
    assert -2 <= low <= high <= 4


def test_who_asks_for_less_motion_gets_stills(js):
    seen = """async (m) => { const seen = []; const a = new m.ToAndFro();
        a.start({low: -2, high: 4}, 1, (v) => seen.push(v));
      await new Promise((r) => setTimeout(r, 600)); a.stop(); return [seen.length, new Set(seen).size]; }"""
    frames, positions = js("explorer/sliders/animation.js", seen)
    assert positions > 3
    js.page.emulate_media(reduced_motion="reduce")
    frames, positions = js("explorer/sliders/animation.js", seen)
    assert frames > positions
    assert positions <= 3  # sixteen in the six seconds of a period


def test_what_has_not_arrived_is_asked_for_again_until_it_has(js):
    page = js.page
    page.clock.install()
    begin = """(m) => {
      Object.assign(window, {element: document.createElement('div'), sent: []});
      window.session = new m.PageMessages(life);
      session.attach(element);
      const send = (kind, message) => sent.push({kind, ...message});
      window.know = (acknowledged) => session.update({model: 'a', session: 's', acknowledged}, send);
      know({});
      session.committed({committed: {z: [1], posterior: null}, cause: {by: 'person'}});
    }"""
    js("explorer/state/page_messages.js", begin)
    kinds, kept = "() => sent.map(({kind}) => kind)", "() => element.dataset.kept"
    assert (page.evaluate(kinds), page.evaluate(kept)) == (["commit"], "false")
    page.clock.fast_forward(2600)
    page.clock.fast_forward(5100)
    assert page.evaluate(kinds) == ["commit", "refresh", "refresh"]
    page.evaluate("() => know({commit: sent[1].id})")
    assert page.evaluate(kept) == "false"
    page.evaluate("() => know({commit: sent[0].id})")
    assert page.evaluate(kept) == "true"
    page.clock.fast_forward(60_000)
    assert page.evaluate(kinds) == ["commit", "refresh", "refresh"]
    numbers = page.evaluate("() => sent.map(({id, session, model}) => [id, session, model])")
    assert len({number for number, *_ in numbers}) == 3 and {tuple(rest) for _, *rest in numbers} == {("s", "a")}


def test_the_explorer_moves_as_it_is_when_streamlit_gives_it_a_new_place(js):
    page = js.page
    page.clock.install()
    mount = """(m) => {
      const dimensions = [0, 1].map((index) => ({index, low: -2, high: 2, kl: 1 - index / 2, active: true}));
      const fixed = {model: 'a', version: '1', session: 's', dimensions, revision: 1, pinsRevision: 1, shape: '1x1x1'};
      const none = {encodes: true, posterior: null, picture: null, pins: null, compared: null};
      const rest = {...none, classes: [], file: '', hash: '', acknowledged: {}, others: []};
      window.mount = () => {
        const parentElement = document.body.appendChild(document.createElement('div'));
        const leave = m.default({data: {...fixed, ...rest, z: [0, 0]}, parentElement, setStateValue: () => {}});
        return {parentElement, leave: () => { leave(); parentElement.remove(); }};
      };
      window.first = mount();
      window.known = document.querySelector('.lw-explorer');
      document.querySelector('input[aria-label=z1]').focus();
    }"""
    js("explorer/main.js", mount)
    page.keyboard.press("Shift+ArrowRight")
    page.evaluate("() => { first.leave(); window.second = mount(); }")
    same = "() => [document.querySelector('.lw-explorer') === known, document.querySelectorAll('.lw-explorer').length]"
    assert page.evaluate(same) == [True, 1]
    assert page.evaluate("() => document.activeElement.getAttribute('aria-label')") == "z1"
    moved = page.evaluate("() => document.activeElement.valueAsNumber")
    assert moved > 0  # not the z of the page, which has not heard of it yet
    page.evaluate("() => second.leave()")
    page.keyboard.press("r")  # nobody is there to hear it
    page.clock.fast_forward(1600)
    page.evaluate("() => { window.third = mount(); }")
    assert page.evaluate(same) == [False, 1]


def test_an_image_that_cannot_be_loaded_stays_away_however_often_its_code_is_committed(js):
    hidden = js(
        "explorer/picture/encoded_image_note.js",
        """async (m) => {
          const committed = {posterior: {std: [1], label: 'test image 3 (a 7)', index: 3}};
          const answers = {imageUrl: async () => `${location.origin}/nowhere.png`};
          const note = new m.EncodedNote({answers, model: {name: 'a'}, store: {committed}, release: () => {}});
          const element = note.elements['under the picture'];
          document.body.append(element);
          const image = element.querySelector('img');
          const failed = new Promise((go) => image.addEventListener('error', go));
          await note.committed({committed});
          const before = image.hidden;
          await failed;
          await note.committed({committed});
          return [before, image.hidden, element.hidden];
        }""",
    )
    assert hidden == [False, True, False]

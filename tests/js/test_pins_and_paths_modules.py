"""The tray's modules one by one: the list of pins, what a path is like, and frames for paths and draws."""

from __future__ import annotations

import struct

import numpy as np
import pytest

PINS, FIGURES = "explorer/pins_and_paths/pins.js", "explorer/pins_and_paths/path_strip.js"
QUESTIONS = "explorer/connection/binary_messages.js"
WHERE = "explorer/picture/likeness.js"


def with_pins(js, body):
    return js(PINS, f"(m) => {{ const pins = new m.Pins(); {body} }}")


def test_pins_are_on_the_path_in_the_order_of_the_tray(js):
    body = """for (const x of [1, 2, 3]) pins.add([x, 0], 'p' + x);
      const [a, b, c] = pins.list;
      pins.move(c.id, 0); pins.toggle(a.id);
      return {stops: pins.stops, numbers: [a, b, c].map((p) => pins.number(p.id)), on: [a, b, c].map((p) => pins.stop(p.id))};"""
    assert with_pins(js, body) == {"stops": [[3, 0], [2, 0]], "numbers": [2, 3, 1], "on": [None, 2, 1]}


def test_the_same_point_is_not_pinned_twice_and_says_where_it_is(js):
    body = """pins.add([1, 2], 'a'); pins.add([0, 0], 'b');
      const {words, pin} = pins.add([0, 0], 'c');
      return [words, pin.label, pins.list.length];"""
    assert with_pins(js, body) == ["This point is pin 2 already.", "b", 2]


def test_a_full_tray_refuses_and_a_path_has_at_most_twelve_stops(js):
    body = """for (let i = 0; i < 24; i += 1) pins.add([i], 'p');
      const {pin, words} = pins.add([99], 'p');
      const [off, on] = [pins.list[20].id, pins.list[0].id];
      return [pin, words, pins.stops.length, pins.toggle(off), pins.toggle(on), pins.stops.length];"""
    assert with_pins(js, body) == [None, "The tray holds 24 pins; remove one first.", 12, False, True, 11]


def test_what_is_kept_of_pins_brings_them_back(js):
    body = """pins.add([1, 2], 'a'); pins.add([3, 4], 'b'); pins.toggle(pins.list[0].id);
      const other = new m.Pins(); other.adopt(pins.toState());
      other.remove(other.list[1].id);
      return [pins.toState(), other.toState()];"""
    first = {"z": [1, 2], "label": "a", "chosen": False}
    assert with_pins(js, body) == [[first, {"z": [3, 4], "label": "b", "chosen": True}], [first]]


def test_a_path_has_enough_points_to_play_and_never_too_many_for_the_server(js):
    points = js(FIGURES, "(m) => [2, 3, 4, 5, 8, 12].map(m.pointsOf)")
    assert points[0] == 61
    assert all(stops <= count <= 240 for stops, count in zip([2, 3, 4, 5, 8, 12], points, strict=True))
    assert all((count - 1) % (stops - 1) == 0 for stops, count in zip([2, 3, 4, 5, 8, 12], points, strict=True))


def test_figures_and_words_of_an_even_and_an_uneven_path(js):
    say = "(m, changes, typical, said) => m.figureWords(m.figuresOf({changes, typical, said}))"
    even, uneven = "length 4.0 · largest step 1.0 × the mean", "length 4.0 · largest step 3.0 × the mean"
    assert js(FIGURES, say, [1, 1, 1, 1], [10, 20, 30, 40, 50], True) == f"{even} · looks like the data all the way"
    assert js(FIGURES, say, [1, 1, 1, 1], [10, 20, 30, 40, 50], False) == f"{even} · near real codes all the way"
    assert js(FIGURES, say, [0, 3, 0, 1], [10, 9, 0, 40, 50], True) == f"{uneven} · 40 % unusual or unlike the data"
    assert js(FIGURES, say, [0, 3, 0, 1], [10, 9, 0, 40, 50], False) == f"{uneven} · 40 % far from real codes"
    unknown = js(FIGURES, "(m) => m.figureWords(m.figuresOf({changes: [0, 0], typical: [NaN, NaN, NaN], said: false}))")
    assert unknown == "length 0.0 · largest step 1.0 × the mean"


@pytest.mark.parametrize(("typical", "verdict"), [(50, "like"), (10, "like"), (9.9, "unusual"), (2, "unusual"), (1.9, "unlike")])
def test_a_share_is_judged_as_the_server_judges_it(js, typical, verdict):
    from vae_core.latent.data_likeness import _verdict

    assert js(WHERE, "(m, share) => m.verdictOf(share)", typical) == _verdict(typical) == verdict


def test_places_are_read_as_the_server_writes_them(js):
    from ui.server.likeness_query import PLACES, VERDICTS

    frame = PLACES.pack(4, 1, 9, 0.5, 0.25, 0.125, 0.0) + np.array([0.5, 40, 1.5, -9, -8, 30, 57, 1], "<f4").tobytes()
    read = "(m, b) => m.readAnswer(Uint8Array.from(b).buffer)"
    place = js(QUESTIONS, read, list(frame))["result"][0]
    assert place["errors"] == {"auc": 0.5, "missed": 0.25, "midpointsTaken": 0.125, "farTaken": 0}
    assert (place["distance"], place["nearer"], place["cycle"], place["typical"]) == (0.5, 40, 1.5, 57)
    assert (place["logPrior"], place["logAggregate"], place["denser"], place["verdict"]) == (-9, -8, 30, VERDICTS[1])
    assert js(QUESTIONS, "(m) => m.VERDICTS") == list(VERDICTS)


def test_the_figure_says_what_it_can(js):
    say = "(m, place) => m.figureWords(place)"
    assert js(WHERE, say, {"verdict": "like", "typical": 57.2}) == "more typical than 57 % of test images"
    assert js(WHERE, say, {"verdict": "unsaid", "nearer": 41}) == "nearer to real codes than 41 % of test images"
    assert js(WHERE, say, {"verdict": "measuring"}) == ""


def test_how_often_it_errs_is_said_with_the_models_own_figures(js):
    errors = {"auc": 0.9, "missed": 0.08, "midpointsTaken": 0.36, "farTaken": 0.02}
    said = js(WHERE, "(m, place) => m.meaningOf(place)", {"verdict": "like", "errors": errors})
    assert "8 % of test images" in said[1] and "36 % of the midpoints" in said[1] and "2 % of points far out" in said[1]
    unsaid = js(WHERE, "(m, place) => m.meaningOf(place)", {"verdict": "unsaid", "errors": {**errors, "auc": 0.64}})
    assert unsaid[0].startswith("No verdict") and "64 % of the time" in unsaid[0]


def test_a_strip_shows_both_ends(js):
    assert js(FIGURES, "(m) => [m.frameIndices(61, 3), m.frameIndices(5, 5), m.frameIndices(9, 1)]") == [
        [0, 30, 60],
        [0, 1, 2, 3, 4],
        [0],
    ]


def test_frames_for_paths_and_draws_are_what_the_server_reads(js):
    path = js(
        QUESTIONS, "(m) => [...new Uint8Array(m.encodePath(9, [[0, 1], [2, 3]], {kind: 'geodesic', even: true, count: 61}))]"
    )
    assert bytes(path) == struct.pack("<BxHI", 5, 2 | 0x80 | 61 << 8, 9) + np.arange(4, dtype="<f4").tobytes()
    draws = js(
        QUESTIONS, "(m) => [...new Uint8Array(m.encodeSamples(8, {count: 64, seed: 4294967295, temperature: 0.5, side: 0}))]"
    )
    assert bytes(draws) == struct.pack("<BxHIIIf", 6, 0, 8, 64, 4294967295, 0.5)


def test_a_path_and_draws_are_read_as_the_server_writes_them(js):
    read = """(m, b) => { const {sequence, result} = m.readAnswer(Uint8Array.from(b).buffer);
      return {sequence, ...result, pictures: result.pictures.map((p) => [...p.pixels])}; }"""
    head = struct.pack("<BBHIHHHH", 5, 1, 2, 77, 1, 2, 1, 1)
    walk = head + np.array([0.5, -0.5, 0, 3, 10, 96], "<f4").tobytes() + bytes([1, 2, 3, 4])
    assert js(QUESTIONS, read, list(walk)) == {
        "sequence": 77,
        "z": [[0.5], [-0.5]],
        "changes": [3],
        "typical": [10, 96],
        "said": True,
        "pictures": [[1, 2], [3, 4]],
    }
    draws = struct.pack("<BBHIHHHH", 6, 1, 1, 78, 1, 1, 2, 0) + np.array([1, 2], "<f4").tobytes() + bytes([9])
    assert js(QUESTIONS, read, list(draws)) == {"sequence": 78, "z": [[1, 2]], "pictures": [[9]]}

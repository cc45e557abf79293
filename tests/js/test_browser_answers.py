"""A page without a server: the whole explorer with answers that the browser computes, the files it makes, and what goes wrong."""

from __future__ import annotations

import base64
import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser_stand_ins import WORKERS, Toy
from PIL import Image

from vae_core.images import export_formats

EXPLORER = Path(__file__).parents[2] / "ui" / "components" / "explorer"
SHAPE, LATENT_DIM, COUNT, COLUMNS = (1, 6, 6), 3, 30, 8
NUMBERS = np.arange(COUNT) * 10

# `models`: {name: Toy.sent()}; a decoder file is the name of its model
ANSWERS = """
  const made = {};
  for (const [name, given] of Object.entries(models)) {
    %s
    made[name] = workers;
  }
  const nameOf = (bytes) => new TextDecoder().decode(bytes);
  const make = {
    decoder: (options, signal) => made[nameOf(options.decoder)].decoder(options, signal),
    encoder: (options, signal) => made[nameOf(options.model)].encoder(options, signal),
  };
  const bytesOf = async (file) => Uint8Array.from(atob(files[file]), (letter) => letter.charCodeAt(0)).buffer;
  const {StaticData} = await import('/explorer/answers/static_data.js');
  const {BrowserAnswers} = await import('/explorer/answers/browser_answers.js');
  const data = new StaticData({models: Object.keys(models)}, bytesOf);
  const answers = new BrowserAnswers(data, 'nowhere', make);
"""
ANSWERS = ANSWERS.replace("%s", WORKERS)


def points() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    means = np.round(rng.normal(0, 1, (COUNT, LATENT_DIM)), 3).astype(np.float32)
    images = rng.integers(0, 256, (COUNT, *SHAPE[1:]), dtype=np.uint8)
    return {"means": means, "labels": np.arange(COUNT) % 3, "images": images}


def points_file() -> bytes:
    """As `readPoints` in static_data.js tells."""
    known = points()
    parts = [np.zeros(LATENT_DIM, "<f4"), np.eye(LATENT_DIM, dtype="<f4"), NUMBERS.astype("<u4"), known["labels"].astype("<u2")]
    parts += [np.round(known["means"] / 0.001).astype("<i2"), np.full((COUNT, LATENT_DIM), -32, "i1")]
    return struct.pack("<IIf", COUNT, LATENT_DIM, 0.001) + b"".join(part.tobytes() for part in parts)


def thumbnails_file() -> bytes:
    height, width = SHAPE[1:]
    sheet = np.zeros((-(-COUNT // COLUMNS) * height, COLUMNS * width), np.uint8)
    for i, image in enumerate(points()["images"]):
        top, left = i // COLUMNS * height, i % COLUMNS * width
        sheet[top : top + height, left : left + width] = image
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, "PNG")
    return file.getvalue()


def view(name: str) -> dict[str, Any]:
    dimensions = [{"index": i, "low": -2, "high": 2, "kl": 1 - i / 4, "active": True} for i in range(LATENT_DIM)]
    other = {"name": "b" if name == "a" else "a", "version": "1", "sameZ": True, "sameData": True, "facts": ""}
    known = {"model": name, "version": "1", "session": "page", "dimensions": dimensions, "others": [other], "z": [0.5, -0.5, 0]}
    none = {"posterior": None, "picture": None, "pins": None, "compared": None, "file": "", "hash": "", "acknowledged": {}}
    flags = {"encodes": True, "prior": True, "judged": True, "run": False, "training": False, "revision": 1, "pinsRevision": 1}
    return {**known, **none, **flags, "shape": "6x6x1", "classes": ["one", "two", "three"]}


@pytest.fixture(scope="module")
def page_files() -> tuple[dict[str, Any], dict[str, str]]:
    """({name: a toy as the stand-in reads it}, {file: its bytes in base64}) of a page with the models a and b."""
    height, width = SHAPE[1:]
    files: dict[str, bytes] = {"points": points_file(), "sheet": thumbnails_file()}
    sheet = {"file": "sheet", "type": "image/png", "height": height, "width": width, "columns": COLUMNS, "count": COUNT}
    for name in "ab":
        described = {"view": view(name), "decoder": {"file": name, "layout": "nchw", "range": "unit"}, "encoder": {"file": name}}
        described |= {"points": {"file": "points"}, "thumbnails": sheet, "likeness": None, "facts": []}
        files |= {f"models/{name}.json": json.dumps(described).encode(), name: name.encode()}
    toys = {name: Toy(LATENT_DIM, SHAPE, seed).sent() for seed, name in enumerate("ab")}
    return toys, {name: base64.b64encode(file).decode() for name, file in files.items()}


MOUNT = (
    "async (m, models, files, given) => {"
    + ANSWERS
    + """
  window.outside = [];
  window.fetch = (url) => (outside.push(String(url)), new Promise(() => {}));
  window.WebSocket = class { constructor(url) { outside.push(url); } };
  const explorer = new m.Explorer(document.body, answers);
  window.explorer = explorer;
  explorer.update({...(await data.model('a')).view, ...given}, () => {});
}"""
)
PAINTED = "() => Number(document.querySelector('[data-testid=decoded]').dataset.seq)"
LIVE = '[data-testid="live-status"][data-state="live"]'


@pytest.fixture
def alone(js, page_files) -> Any:
    """A page on which the explorer runs without a server."""
    js.page.add_style_tag(content="".join(path.read_text() for path in sorted(EXPLORER.rglob("*.css"))))
    js("explorer/explorer.js", MOUNT, *page_files, {})
    js.page.wait_for_selector(LIVE, state="attached")
    return js.page


def pixels_at(z: list[float], seed: int = 0) -> list[int]:
    return np.rint(255 * Toy(LATENT_DIM, SHAPE, seed).decode_float([z])).astype(int).flatten().tolist()


def shown(page: Any, testid: str = "decoded") -> list[int]:
    """The red values of a canvas."""
    script = """(id) => { const canvas = document.querySelector(`[data-testid=${id}]`);
      return [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data].filter((_, i) => i % 4 === 0); }"""
    return page.evaluate(script, testid)


def test_the_explorer_draws_fills_its_sliders_and_names_images_without_a_server(alone):
    alone.wait_for_function(f"() => ({PAINTED})() >= 1")
    assert np.abs(np.array(shown(alone)) - pixels_at([0.5, -0.5, 0])).max() <= 1
    assert alone.get_by_test_id("live-status").text_content() == "in this browser · 1.0 ms"
    alone.wait_for_selector('[data-testid="nearest"] img')
    title = alone.locator('[data-testid="nearest"] img').first.get_attribute("title")
    assert title.splitlines()[1] == "searched among 30 test images of this page"
    alone.wait_for_function("() => performance.getEntriesByName('film-refresh').length > 0")
    assert alone.evaluate("() => outside") == []


def test_a_path_is_found_and_what_needs_a_server_is_not_offered(alone):
    kinds = alone.evaluate("() => [...document.querySelector('.lw-kind').options].map(({value}) => value)")
    assert kinds == ["linear", "spherical"]
    offered = (
        "() => [...document.querySelectorAll('[aria-label=\"Export the path\"] [data-what]')].map(({dataset}) => dataset.what)"
    )
    assert alone.evaluate(offered) == ["gif", "sheet", "npz"]
    planes = alone.evaluate(
        "() => [...document.querySelector('[aria-label=\"plane of the map\"]').options].map(({value}) => value)"
    )
    assert "pc:0:1" in planes and not {"tsne", "umap"} & set(planes)
    alone.keyboard.press("p")
    alone.keyboard.press("o")
    alone.keyboard.press("p")
    alone.wait_for_function("() => !document.querySelector('.lw-tray [aria-haspopup=menu]').disabled")
    assert alone.evaluate("() => outside") == []


def test_two_models_of_the_page_are_compared_at_one_z(alone):
    alone.keyboard.press("c")
    alone.locator("dialog[open] .lw-other").click()
    alone.wait_for_selector('.lw-stage[data-compare="live"]')
    alone.wait_for_function("() => document.querySelector('[data-testid=mean-difference]').textContent.startsWith('0.')")
    assert np.abs(np.array(shown(alone, "compared")) - pixels_at([0.5, -0.5, 0], seed=1)).max() <= 1
    assert alone.evaluate("() => outside") == []


def test_a_page_of_one_model_offers_no_comparison(alone):
    button = alone.locator(".lw-explorer button", has_text="vs")
    assert button.is_visible()
    alone.evaluate("() => explorer.update({...explorer.data, others: []}, () => {})")
    assert not button.is_visible()
    alone.keyboard.press("c")
    assert alone.locator("dialog[open]").count() == 0


def asked(js, page_files, body: str) -> Any:
    function = "async (m, models, files) => {" + ANSWERS + body + "}"
    return js("explorer/renderer/renderer.js", function, *page_files)


BASE64 = """const text = async (blob) => {
  let letters = '';
  for (const byte of new Uint8Array(await blob.arrayBuffer())) letters += String.fromCharCode(byte);
  return btoa(letters);
};"""


def test_the_files_of_a_path_hold_the_pictures_that_those_of_the_server_hold(js, page_files):
    z = np.random.default_rng(1).normal(0, 1, (7, LATENT_DIM)).astype(np.float32)
    body = f"const z = {z.tolist()}; const given = {{model: 'a', z}}; {BASE64}"
    read = "(async (what) => text(await answers.file(given, what)))"
    files = asked(js, page_files, f"{body} return Promise.all(['gif', 'sheet', 'npz'].map({read}));")
    film, sheet, numbers = (io.BytesIO(base64.b64decode(file)) for file in files)
    pictures = np.rint(255 * Toy(LATENT_DIM, SHAPE, 0).decode_float(z)).astype(np.uint8).transpose(0, 2, 3, 1)
    kept = np.load(numbers)
    np.testing.assert_array_equal(kept["z"], z)
    assert np.abs(kept["pictures"].astype(int) - pictures).max() <= 1
    for made, expected in ((film, export_formats.gif(pictures)), (sheet, export_formats.sheet(pictures, side=84))):
        ours, theirs = Image.open(made), Image.open(io.BytesIO(expected))
        frames = getattr(theirs, "n_frames", 1)
        assert (ours.size, getattr(ours, "n_frames", 1)) == (theirs.size, frames)
        assert ours.info.get("duration") == theirs.info.get("duration") and ours.info.get("loop") == theirs.info.get("loop")
        for frame in range(frames):
            ours.seek(frame)
            theirs.seek(frame)
            apart = np.asarray(ours.convert("RGB"), int) - np.asarray(theirs.convert("RGB"), int)
            assert np.abs(apart).max() <= 1


@pytest.mark.parametrize("colours", [7, 200, 5000], ids=["few", "nearly all", "more than a palette holds"])
def test_a_film_in_colour_keeps_its_colours_as_far_as_a_palette_does(js, colours):
    rng = np.random.default_rng(colours)
    known = rng.integers(0, 256, (colours, 3), dtype=np.uint8)
    frames = known[rng.integers(0, colours, (3, 64, 48))]
    script = """(m, frames, height, width) => {
      const pictures = frames.map((pixels) => ({kind: 'pixels', height, width, channels: 3, pixels: Uint8Array.from(pixels)}));
      return [...m.gifOf(pictures, 2, 4)];
    }"""
    film = js("explorer/answers/gif.js", script, frames.reshape(3, -1).tolist(), 64, 48)
    found = Image.open(io.BytesIO(bytes(film)))
    assert (found.size, found.n_frames, found.info["duration"], found.info["loop"]) == ((96, 128), 3, 40, 0)
    for i, frame in enumerate(frames):
        found.seek(i)
        apart = np.abs(np.asarray(found.convert("RGB"), int)[::2, ::2] - frame)
        assert apart.max() == 0 if colours <= 256 else apart.mean() < 16  # noise is the worst case for a palette


def test_nearest_images_are_those_of_the_smallest_distance(js, page_files):
    z = [0.4, -1.1, 0.2]
    found = asked(js, page_files, f"""const found = [];
      for (const space of ['latents', 'pixels']) found.push(await answers.nearest('a', {z}, space, life.signal));
      return found;""")  # fmt: skip
    known = points()
    in_latents = np.linalg.norm(known["means"] - np.float32(z), axis=1)
    in_pixels = np.linalg.norm((known["images"].reshape(COUNT, -1) - np.array(pixels_at(z), float)) / 255, axis=1)
    for answer, distances in zip(found, (in_latents, in_pixels), strict=True):
        order = np.argsort(distances)[:4]
        np.testing.assert_allclose([one["distance"] for one in answer["found"]], distances[order], rtol=2e-3)
        assert [one["label"] for one in answer["found"]] == known["labels"][order].tolist()
        picture = Image.open(io.BytesIO(base64.b64decode(answer["found"][0]["url"].split(",")[1]))).convert("L")
        assert np.array_equal(np.asarray(picture), known["images"][order[0]])


def test_of_one_topic_the_newest_question_is_answered_and_nothing_waits_for_ever(js, page_files):
    body = """
      const queries = answers.queries('a', null, life.signal);
      const ask = (topic) => queries.pictures(topic, [[0, 0, 0]], 0);
      const first = [ask('film'), ask('film'), ask('map'), ask('film')];
      const answered = (await Promise.all(first)).map((found) => found && found.length);
      const draws = async (seed) => (await queries.samples('draws', {count: 2, seed, temperature: 1, side: 0})).z.flat().join();
      const same = (await draws(1)) === (await draws(1)), other = (await draws(1)) === (await draws(2));
      made.a.decoder = () => { throw new Error('no memory'); };
      const broken = new BrowserAnswers(data, 'nowhere', make).queries('a', null, life.signal);
      const none = await broken.path('path', [[0, 0, 0], [1, 1, 1]], {kind: 'linear', even: false, count: 5});
      const waiting = [ask('x'), ask('x'), ask('y')];
      queries.close();
      const closed = (await Promise.all(waiting)).slice(1);
      return {answered, same, other, none, why: broken.refusal, closed, after: await ask('x')};"""
    found = asked(js, page_files, body)
    assert found["answered"] == [1, None, 1, 1]
    assert found["same"] and not found["other"]
    assert (found["none"], found["why"]) == (None, "no memory")
    assert (found["closed"], found["after"]) == ([None, None], None)


def test_a_decoder_that_cannot_run_is_said_and_another_model_of_the_page_is_not_there(js, page_files):
    body = """
      made.a.decoder = () => ({open: async () => { throw new Error('this browser has no WebAssembly with SIMD'); }});
      const said = await new Promise((offline) => answers.picture('a', 3, {offline}, life.signal));
      const gone = await new Promise((done) => answers.picture('z', 3, {refused: (...given) => done(given)}, life.signal));
      return [said, gone];"""
    said, gone = asked(js, page_files, body)
    assert said == "no pictures here: this browser has no WebAssembly with SIMD"
    assert gone == [4404, "z is not on this page"]


def test_a_decoder_whose_worker_has_died_is_opened_again_and_draws_what_was_asked_for(js, page_files):
    js.page.clock.install()
    body = """
      const decoder = make.decoder;
      const lives = [];
      make.decoder = (options, signal) => {
        const life = new AbortController();
        lives.push(life);
        const one = decoder(options, life.signal);
        const decode = (...given) => (life.signal.aborted ? Promise.reject(new Error('the worker ended')) : one.decode(...given));
        return {...one, decode};
      };
      window.heard = [];
      const say = (words) => heard.push(words);
      const on = {hello: () => say('hello'), offline: say, picture: (_, start) => say(start)};
      window.picture = answers.picture('a', 3, on, life.signal);
      picture.request([0, 0, 0], 'first');
      window.die = () => { lives[0].abort(); picture.request([0, 0, 1], 'second'); };"""
    asked(js, page_files, body)
    js.page.wait_for_function("() => heard.length === 2")
    js.page.evaluate("() => die()")
    js.page.wait_for_function("() => heard.length === 3")
    js.page.clock.run_for(1100)
    js.page.wait_for_function("() => heard.length === 5")
    assert js.page.evaluate("() => heard") == ["hello", "first", "no pictures here: the worker ended", "hello", "second"]


def test_workers_end_when_nobody_holds_the_model_any_more(js, page_files):
    js.page.clock.install()
    body = """
      const signals = [];
      const decoder = make.decoder;
      make.decoder = (options, signal) => (signals.push(signal), decoder(options, signal));
      const [one, two] = [answers.queries('a', null, life.signal), answers.queries('a', null, life.signal)];
      await Promise.all([one, two].map((queries) => queries.pictures('film', [[0, 0, 0]], 0)));
      one.close();
      window.ended = () => signals.map(({aborted}) => aborted);
      window.close2 = () => two.close();"""
    asked(js, page_files, body)
    js.page.clock.run_for(20_000)
    assert js.page.evaluate("() => ended()") == [False]
    js.page.evaluate("() => close2()")
    js.page.clock.run_for(20_000)
    assert js.page.evaluate("() => ended()") == [True]

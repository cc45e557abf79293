"""Where the explorer's answers come from is one interface: no module beside answers/ and connection/ reaches the network."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

EXPLORER = Path(__file__).parents[2] / "ui" / "components" / "explorer"
ALLOWED = ("answers", "connection", "decoder")
NETWORK = re.compile(r"(?<![#\w.])fetch\(|\b(?:WebSocket|EventSource|XMLHttpRequest|sendBeacon|WebTransport)\b|\bimport\(")
ADDRESS = re.compile(r"\bbaseURI\b|\bnew (?:PictureConnection|QueryConnection)\b|\b(?:liveUrl|routeUrl)\(")
MODULES = [path.relative_to(EXPLORER).as_posix() for path in sorted(EXPLORER.rglob("*.js"))]
OTHERS = [name for name in MODULES if name.split("/")[0] not in ALLOWED]


@pytest.mark.parametrize("name", OTHERS)
def test_a_part_of_the_explorer_fetches_nothing_and_opens_no_connection(name):
    code = re.sub(r"^\s*(//|/?\*).*$", "", (EXPLORER / name).read_text(), flags=re.MULTILINE)
    assert NETWORK.findall(code) == []
    assert ADDRESS.findall(code) == []
    imported = re.findall(r'^import .*"([^"]+)";$', code, flags=re.MULTILINE)
    sources = [path for path in imported if re.search(r"/server_routes|/server_answers|connection/connection", path)]
    assert sources == [] or name == "main.js", "only the host chooses where answers come from"


def test_an_explorer_with_other_answers_leaves_the_network_alone(js):
    """The whole explorer with answers made up on the spot: nothing of it asks anybody else."""
    said = js(
        "explorer/explorer.js",
        """async (m) => {
          const outside = [];
          window.fetch = (url) => (outside.push(String(url)), new Promise(() => {}));
          window.WebSocket = class { constructor(url) { outside.push(url); } close() {} };
          const picture = {kind: 'pixels', height: 1, width: 1, channels: 1, pixels: new Uint8Array([7])};
          const asked = new Set();
          const made = (name, found) => async (topic, points) => (asked.add(name), found(points));
          const answers = {
            can: {paths: ['linear', 'spherical'], files: ['gif']},
            picture: (name, latentDim, on) => ({open: true, close() {}, request(z, start) {
              asked.add('picture'); queueMicrotask(() => on.picture(picture, start, z));
            }}),
            queries: () => ({refusal: '', close() {}, pictures: made('pictures', (points) => points.map(() => picture)),
              places: made('places', () => null), path: made('path', () => null), samples: made('samples', () => null)}),
            encodedImages: async () => { asked.add('images'); throw new Error('no images here'); },
            nearest: async () => (asked.add('nearest'), {words: 'none'}),
            imageUrl: () => 'data:,',
          };
          const dimensions = [0, 1].map((index) => ({index, low: -2, high: 2, kl: 1, active: true}));
          const fixed = {model: 'a', version: '1', session: 's', dimensions, revision: 1, shape: '1x1x1', z: [0, 0]};
          const none = {pinsRevision: 1, posterior: null, picture: null, pins: null, compared: null,
            classes: [], others: [], acknowledged: {}};
          const explorer = new m.Explorer(document.body, answers);
          explorer.update({...fixed, ...none, encodes: true, prior: true, file: '', hash: ''}, () => {});
          const wanted = ['picture', 'images', 'nearest', 'pictures'];
          const later = () => new Promise((done) => setTimeout(done, 10));
          for (let i = 0; i < 400 && !wanted.every((name) => asked.has(name)); i += 1) await later();
          const painted = Number(document.querySelector('[data-testid=decoded]').dataset.seq);
          const kinds = [...document.querySelector('.lw-kind').options].map(({value}) => value);
          const menu = document.querySelector('[aria-label="Export the path"]');
          const files = [...menu.children].map(({dataset}) => dataset.what);
          explorer.close();
          return {outside, asked: wanted.filter((name) => asked.has(name)), painted, kinds, files};
        }""",
    )
    assert said["outside"] == []
    assert said["asked"] == ["picture", "images", "nearest", "pictures"]
    assert said["painted"] >= 1
    assert (said["kinds"], said["files"]) == (["linear", "spherical"], ["gif"])

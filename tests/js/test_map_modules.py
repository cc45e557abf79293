"""The map's modules one by one: planes and their inverse, the viewport, points, spacing; and what is remembered and shared."""

import numpy as np
import pytest

from vae_core.planes import three_point_plane

PLANE, VIEW, CLOUD, GROUND = (f"explorer/map/{name}.js" for name in ("plane", "viewport", "cloud", "background"))


def test_a_plane_and_its_inverse_agree_with_the_core(js):
    points = np.random.default_rng(0).normal(size=(3, 5))
    expected = three_point_plane(*points)
    at = [0.7, -1.3]
    z = np.random.default_rng(1).normal(size=5)
    script = """(m, [a, b, c], at, z) => {
      const plane = m.threePointPlane(a, b, c);
      const moved = plane.through(z);
      const there = plane.latent(at);
      const off = [plane.offPlane(z), moved.offPlane(z)];
      return [there, plane.coordinates(there), plane.coordinates(z), ...off, moved.coordinates(z)];
    }"""
    latent, back, coordinates, off, none, same = js(PLANE, script, points.tolist(), at, z.tolist())
    np.testing.assert_allclose(latent, expected.latents([at])[0], atol=1e-9)
    np.testing.assert_allclose(back, at, atol=1e-9)
    np.testing.assert_allclose(coordinates, expected.coordinates(z[None])[0], atol=1e-9)
    assert off == pytest.approx(expected.off_plane(z[None])[0]) and none == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(same, coordinates, atol=1e-9)


def test_three_points_on_a_line_span_no_plane(js):
    assert js(PLANE, "(m) => m.threePointPlane([0, 0], [1, 1], [3, 3])") is None


def test_an_ellipse_has_the_axes_of_the_projected_gaussian(js):
    axes = js(PLANE, "(m) => m.pairPlane(3, 2, 0).ellipse([0.5, 9, 0.1])")
    assert axes["x"] == pytest.approx(0.5) and axes["y"] == pytest.approx(0.1)
    assert abs(axes["angle"]) == pytest.approx(np.pi / 2), "the long axis is the second one of the plane"


def test_the_viewport_zooms_around_the_pointer_and_comes_back(js):
    script = """(m) => {
      const v = new m.Viewport(400, 300);
      v.fit([1, 2], 3);
      const under = v.toPlane([90, 40]);
      v.zoomAt([90, 40], 2.5);
      const still = v.toPlane([90, 40]);
      v.panBy(10, -20);
      const up = v.toPlane([0, 0])[1] > v.toPlane([0, 300])[1];
      return {under, still, screen: v.toScreen(v.toPlane([33, 44])), scale: v.scale, up};
    }"""
    found = js(VIEW, script)
    np.testing.assert_allclose(found["under"], found["still"])
    np.testing.assert_allclose(found["screen"], [33, 44])
    assert found["scale"] == pytest.approx(2.5 * 50) and found["up"]


def test_a_click_finds_the_nearest_visible_point(js):
    script = """(m, p) => {
      const cloud = new m.Cloud(Float32Array.from([0, 0, 0, 1, 0, 0, 1, 1, 5]), Uint8Array.from([0, 1, 0]), 3);
      cloud.project(p);
      const first = [cloud.nearest([0.9, 0.1], 1), cloud.nearest([0.9, 0.1], 0.01), cloud.mean(2)];
      cloud.hidden.add(1);
      return [...first, cloud.nearest([0.9, 0.3], 1)];
    }"""
    plane = {"origin": [0, 0, 0], "u": [1, 0, 0], "v": [0, 1, 0]}
    assert js(CLOUD, script, plane) == [1, None, [1, 1, 5], 2]


def test_points_are_drawn_in_their_colour_and_hidden_classes_are_not(js):
    script = """(m) => {
      const cloud = new m.Cloud(Float32Array.from([0, 0, 1, 0]), Uint8Array.from([0, 1]), 2);
      cloud.project({origin: [0, 0], u: [1, 0], v: [0, 1]});
      const count = () => {
        const words = new Uint32Array(400);
        cloud.draw(words, 20, 20, {ax: 5, bx: 9, ay: 10, by: -9}, 1);
        return new Set(words).size + ':' + words.filter(Boolean).length;
      };
      const both = count();
      cloud.hidden.add(0);
      return [both, count()];
    }"""
    assert js(CLOUD, script) == ["3:18", "2:9"]


def test_a_map_without_an_inverse_holds_only_the_points_it_was_given(js):
    script = """(m) => {
      const cloud = new m.Cloud(Float32Array.from([0, 0, 0, 1, 0, 0, 1, 1, 5, 2, 2, 2]), Uint8Array.from([0, 1, 0, 1]), 3);
      cloud.scatter({indices: Uint32Array.from([1, 2, 3]), coordinates: Float32Array.from([9, 9, -1, 0, -3, 1])});
      const near = [cloud.nearest([9, 8.5], 1), cloud.nearest([0, 0], 0.5), cloud.position(2)];
      const found = [cloud.find([1, 1, 5.0004]), cloud.find([1, 1, 5.01]), cloud.find([0, 0, 0])];
      const hops = [cloud.towards([-1, 0], [1, 0]), cloud.towards([-1, 0], [-1, 0]), cloud.towards([-1, 0], [0, -1])];
      cloud.project({origin: [0, 0, 0], u: [1, 0, 0], v: [0, 1, 0]});
      return {near, found, hops, back: [cloud.nearest([0, 0], 0.5), cloud.find([0, 0, 0])]};
    }"""
    found = js(CLOUD, script)
    assert found["near"] == [1, None, [-1, 0]] and found["found"] == [2, None, None]
    assert found["hops"] == [1, 3, None] and found["back"] == [0, 0]


def test_a_map_is_asked_for_until_it_is_there_and_not_when_nobody_waits(js):
    script = """async (m) => {
      const bytes = new ArrayBuffer(4 + 12);
      new Uint32Array(bytes).set([1, 7]);
      new Float32Array(bytes, 8).set([0.5, -2]);
      const answer = (body, status) => new Response(body, {status});
      const nothing = new Response(null, {status: 204});
      const answers = [nothing, answer('Computing.', 202), answer(bytes, 200), answer('No UMAP here.', 501)];
      const urls = [];
      const methods = [];
      window.fetch = async (url, {method}) => {
        methods.push(method);
        urls.push(new URL(url).search);
        return answers.shift() ?? answer('again', 202);
      };
      const said = [];
      const ask = (wanted) => m.fetchEmbedding({model: 'a', version: 3}, 'tsne', {say: (words) => said.push(words), wanted});
      const {indices, coordinates} = await ask(() => true);
      const refused = await ask(() => true).catch((error) => error.message);
      return {found: [...indices, ...coordinates], said, refused, left: await ask(() => false), urls, methods};
    }"""
    found = js("explorer/map/embedding.js", script)
    assert found["found"] == [7, 0.5, -2] and found["refused"] == "No UMAP here." and found["left"] is None
    assert found["said"] == ["Computing. Until it is there, the map stays as it is."]
    assert found["urls"] == ["?model=a&kind=tsne&v=3"] * 5
    assert found["methods"] == ["GET", "POST", "POST", "GET", "GET"]  # looking starts nothing


def test_a_question_that_a_busy_server_did_not_take_is_asked_again_after_growing_pauses(js):
    script = """async (m) => {
      const sent = [], pauses = [];
      window.WebSocket = class {
        constructor() { window.socket = this; }
        send(frame) { sent.push(new DataView(frame).getUint32(4, true)); }
        close() {}
      };
      const later = window.setTimeout;
      window.setTimeout = (then, ms) => (ms >= 20000 ? 0 : (pauses.push(ms), later(then, 0)));
      Math.random = () => 0.5;
      const frame = (size, fill) => { const view = new DataView(new ArrayBuffer(size)); fill(view); return {data: view.buffer}; };
      const asides = new m.Asides('ws://nowhere');
      socket.onmessage(frame(8, (view) => view.setUint8(0, 2)));
      const places = asides.places('here', [[0, 0]]);
      const turn = () => new Promise((resolve) => later(resolve, 20));
      for (let refusals = 0; refusals < 3; refusals += 1) {
        socket.onmessage(frame(8, (view) => {
          view.setUint8(0, 7); view.setUint8(1, 4); view.setUint16(2, 1000, true); view.setUint32(4, sent.at(-1), true);
        }));
        await turn();
      }
      socket.onmessage(frame(8 + 24, (view) => { view.setUint8(0, 4); view.setUint32(4, sent.at(-1), true); }));
      return {sent, pauses, answered: (await places).length};
    }"""
    found = js("explorer/map/asides.js", script)
    assert found == {"sent": [1, 2, 3, 4], "pauses": [1000, 2000, 4000], "answered": 1}


def test_a_link_names_the_plane_through_three_points(js):
    script = """(m) => {
      const choice = m.throughChoice([[0, 0, 1], [2, 0, 1], [0.5, 3, 1]]);
      const {origin, u, v} = m.planeThrough(choice, 3);
      const others = ['pc:0:1', null, choice + ';1,1,1', 'through:0,0,0;1,1,1;2,2,2', 'through:a,b,c;1,1,1;2,2,3'];
      return {choice, plane: [origin, u, v], none: [...others.map((one) => m.planeThrough(one, 3)), m.planeThrough(choice, 4)]};
    }"""
    found = js(PLANE, script)
    assert found["choice"] == "through:0,0,1;2,0,1;0.5,3,1"
    assert found["plane"] == [[0, 0, 1], [1, 0, 0], [0, 1, 0]] and found["none"] == [None] * 6


def test_prior_quantiles_space_cells_by_equal_shares_of_the_prior(js):
    from statistics import NormalDist

    cells = js(GROUND, "(m) => m.quantileEdges(-3, 3, 8)")
    shares = np.diff([NormalDist().cdf(edge) for edge in cells["edges"]])
    np.testing.assert_allclose(shares, shares.mean(), atol=1e-4)
    assert cells["edges"][0] == -3 and cells["edges"][-1] == 3
    even = js(GROUND, "(m) => m.evenEdges(0, 1, 4)")
    assert even["middles"] == [0.125, 0.375, 0.625, 0.875]


def test_undo_and_redo_walk_through_what_was_committed(js):
    script = """(m) => {
      const history = new m.History();
      for (const z of [0, 1, 1, 2]) history.add({z: [z], posterior: null});
      const back = [history.undo(), history.undo(), history.undo()].map((place) => place?.z[0] ?? null);
      const forth = history.redo().z[0];
      history.add({z: [9], posterior: null});
      return {back, forth, lost: history.canRedo, again: history.undo().z[0]};
    }"""
    assert js("explorer/history.js", script) == {"back": [1, 0, None], "forth": 1, "lost": False, "again": 1}


def test_a_and_b_change_places(js):
    script = """(m) => {
      const history = new m.History();
      return [history.swap('a'), history.swap('b'), history.swap('a')];
    }"""
    assert js("explorer/history.js", script) == [None, "a", "b"]


def test_a_link_holds_the_view_and_gives_it_back(js):
    script = """(m) => {
      const view = {plane: 'pc:0:1', background: 'holes', view: [1, -2, 0.05], path: {kind: 'geodesic', even: true}};
      const pins = [{z: [1, 2], chosen: true, label: 'a'}, {z: [3, 4], chosen: false, label: 'b'}];
      const more = {samples: {seed: 7, temperature: 0.85}, compare: 'c&d'};
      const href = m.linkOf('http://h/?z=9&x=1#y', {model: 'a b', hash: 'cafe', z: [0.1, -0.25], pins, ...view, ...more});
      const odd = 'http://h/?view=1,b&pins=1;1,2&path=wormhole&samples=-1,1';
      return [href, m.readLink(href, 2), m.readLink(odd, 2), m.readLink('http://h/', 2)];
    }"""
    href, read, odd, bare = js("explorer/share.js", script)
    assert href.startswith("http://h/?model=a%20b&hash=cafe&z=0.1,-0.25&plane=pc%3A0%3A1")
    assert href.endswith("&compare=c%26d")  # the page reads it, not the component
    pins = [
        {"z": [1, 2], "label": "point of the link", "chosen": True},
        {"z": [3, 4], "label": "point of the link", "chosen": False},
    ]
    path, samples = {"kind": "geodesic", "even": True}, {"seed": 7, "temperature": 0.85}
    view = {"plane": "pc:0:1", "background": "holes", "view": [1, -2, 0.05]}
    assert read == {**view, "pins": pins, "path": path, "samples": samples}
    assert odd == {**bare, "pins": [{**pins[0], "z": [1, 2]}]}
    assert not any(bare.values())


def test_the_copied_python_draws_the_same_picture(js, tmp_path, make_model):
    from vae_core.latents import open_model

    path = make_model(tmp_path / "m.safetensors", latent_dim=3)
    z = [0.123, -1.5, 2.0]
    code = js("explorer/share.js", "(m, file, z) => m.pythonOf({file, hash: 'cafe', z})", str(path), z)
    names: dict = {}
    exec(code, names)  # what a person would paste
    np.testing.assert_array_equal(names["picture"], open_model(path).decode([z])[0])


def test_a_gallery_page_loads_nothing_and_escapes_notes(js):
    item = {
        "z": [0.5],
        "picture": "data:image/png;base64,AA==",
        "note": "<script>alert(1)</script>",
        "when": "2025-01-02T03:04:05Z",
    }
    page = js("explorer/gallery.js", "(m, items) => m.galleryPage('m & m', items)", [item])
    assert "<script" not in page and "&#60;script" in page and "m &#38; m" in page
    assert "http" not in page and "data:image/png" in page and "z = [0.500]" in page


def test_muting_and_solo_give_back_what_they_took(js):
    script = """(m) => {
      const holds = new m.Holds();
      const start = [1, 2, 3];
      const solo = holds.solo(start, 1, true);
      const isSolo = holds.isSolo(1, 3);
      const back = holds.solo(solo, 1, false);
      holds.lock(0, true);
      return {solo, isSolo, back, kept: holds.keep(back, [9, 9, 9])};
    }"""
    assert js("explorer/holds.js", script) == {"solo": [0, 2, 0], "isSolo": True, "back": [1, 2, 3], "kept": [1, 9, 9]}


def test_a_direction_moves_z_along_its_axis_to_the_wanted_coordinate(js):
    script = """(m) => {
      const direction = {axis: [0.6, 0.8], centre: [1, 1]};
      const z = m.moved([3, 0], direction, 2);
      return [m.coordinate(z, direction), z];
    }"""
    coordinate, z = js("explorer/directions.js", script)
    assert coordinate == pytest.approx(2)
    offset = np.array(z) - [3, 0]
    assert offset[0] / 0.6 == pytest.approx(offset[1] / 0.8)

"""The map's modules one by one: planes and their inverse, the viewport, points, spacing; and what is remembered and shared."""

import numpy as np
import pytest

from vae_core.runs.snapshot_files import snapshot_path

PLANE, VIEW, CLOUD, GROUND, GRID = (
    f"explorer/map/{name}.js" for name in ("plane_projection", "viewport", "draw_points", "background", "nearest_point")
)


def test_a_plane_and_its_inverse_agree_with_an_orthonormal_basis_by_qr(js):
    points = np.random.default_rng(0).normal(size=(3, 5))
    basis, triangle = np.linalg.qr((points[1:] - points[0]).T)  # its columns up to sign: the axes of the plane
    axes = (basis * np.sign(np.diag(triangle))).T
    at = [0.7, -1.3]
    z = np.random.default_rng(1).normal(size=5)
    script = """(m, [a, b, c], at, z) => {
      const plane = m.threePointPlane(a, b, c);
      const moved = plane.through(z);
      const there = plane.latent(at);
      const foot = moved.latent(moved.coordinates(z));
      return [there, plane.coordinates(there), plane.coordinates(z), foot, moved.coordinates(z)];
    }"""
    latent, back, coordinates, foot, same = js(PLANE, script, points.tolist(), at, z.tolist())
    np.testing.assert_allclose(latent, points[0] + at @ axes, atol=1e-9)
    np.testing.assert_allclose(back, at, atol=1e-9)
    np.testing.assert_allclose(coordinates, axes @ (z - points[0]), atol=1e-9)
    np.testing.assert_allclose(foot, z, atol=1e-9)  # it lies on the plane now
    np.testing.assert_allclose(same, coordinates, atol=1e-9)


def test_three_points_on_a_line_span_no_plane(js):
    assert js(PLANE, "(m) => m.threePointPlane([0, 0], [1, 1], [3, 3])") is None


def test_an_ellipse_has_the_axes_of_the_projected_gaussian(js):
    axes = js(PLANE, "(m) => m.pairPlane(3, 2, 0).ellipse([0.5, 9, 0.1])")
    assert axes["x"] == pytest.approx(0.5) and axes["y"] == pytest.approx(0.1)
    assert abs(axes["angle"]) == pytest.approx(np.pi / 2), "the long axis is the second one of the plane"


def test_the_ellipse_of_a_correlated_gaussian_is_that_of_its_projected_covariance(js):
    generator = np.random.default_rng(3)
    factor = np.tril(generator.normal(size=(5, 5)))
    covariance = factor @ factor.T
    u, v = np.linalg.qr(generator.normal(size=(5, 5)))[0].T[:2]
    std = np.sqrt(np.diag(covariance))
    pairs = (covariance / np.outer(std, std))[np.tril_indices(5, -1)]
    script = f"(m) => new m.Plane([0, 0, 0, 0, 0], {u.tolist()}, {v.tolist()}).ellipse({std.tolist()}, {pairs.tolist()})"
    axes, plane = js(PLANE, script), np.stack([u, v])
    values, vectors = np.linalg.eigh(plane @ covariance @ plane.T)
    np.testing.assert_allclose([axes["y"], axes["x"]], np.sqrt(values))
    long_axis = np.array([np.cos(axes["angle"]), np.sin(axes["angle"])])
    assert abs(long_axis @ vectors[:, 1]) == pytest.approx(1)


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
      const cloud = new m.Points(Float32Array.from([0, 0, 0, 1, 0, 0, 1, 1, 5]), Uint8Array.from([0, 1, 0]), 3);
      cloud.project(p);
      const first = [cloud.nearest([0.9, 0.1], 1), cloud.nearest([0.9, 0.1], 0.01), cloud.mean(2)];
      cloud.hidden.add(1);
      return [...first, cloud.nearest([0.9, 0.3], 1)];
    }"""
    plane = {"origin": [0, 0, 0], "u": [1, 0, 0], "v": [0, 1, 0]}
    assert js(CLOUD, script, plane) == [1, None, [1, 1, 5], 2]


def test_the_grid_finds_the_same_point_as_looking_at_all_of_them(js):
    script = """(m, flat) => {
      const [at, on] = [Float32Array.from(flat), Uint32Array.from({length: flat.length / 2 - 50}, (_, i) => i + 50)];
      const odd = (i) => i % 2 === 1;
      const slow = ([a, b], reach) => {
        const squares = [...on].filter(odd).map((i) => [(at[2 * i] - a) ** 2 + (at[2 * i + 1] - b) ** 2, i]);
        const [square, i] = squares.reduce((best, one) => (one[0] < best[0] ? one : best));
        return square < reach * reach ? i : null;
      };
      const grid = new m.PointGrid(at, on);
      const places = Array.from({length: 200}, (_, k) => [at[2 * k] + 0.05, at[2 * k + 1] - 0.1]).concat([[99, 99], [-3, 0]]);
      const differs = (reach) => places.filter((place) => grid.nearest(place, reach, odd) !== slow(place, reach));
      const wrong = [0.02, 0.3, 50].flatMap(differs);
      const same = new m.PointGrid(new Float32Array(6), Uint32Array.from([0, 1, 2])).nearest([0, 0], 1, () => true);
      return {wrong, same, none: new m.PointGrid(new Float32Array(0), new Uint32Array(0)).nearest([0, 0], 1, () => true)};
    }"""
    points = np.random.default_rng(3).normal(size=(500, 2)) * [5, 0.5]  # long and narrow
    assert js(GRID, script, points.ravel().tolist()) == {"wrong": [], "same": 0, "none": None}


def test_of_thousands_of_points_a_fair_sample_is_shown_until_all_are_asked_for(js):
    script = """(m) => {
      const count = 6000;
      const labels = Uint8Array.from({length: count}, (_, i) => i % 10);
      const cloud = new m.Points(Float32Array.from({length: 2 * count}, (_, i) => i), labels, 2);
      cloud.project({origin: [0, 0], u: [1, 0], v: [0, 1]});
      const found = () => Array.from({length: count}, (_, i) => cloud.nearest(cloud.position(i), 0.1));
      const visible = () => found().filter((i) => i !== null);
      const sample = visible();
      const kinds = Array.from({length: 10}, (_, label) => sample.filter((i) => i % 10 === label).length);
      const before = [cloud.sampling, cloud.shown, sample.length];
      cloud.showAll(true);
      const all = [cloud.sampling, cloud.shown, visible().length];
      const few = new m.Points(new Float32Array(400), new Uint8Array(200), 2);
      return {before, kinds, half: sample.filter((i) => i < count / 2).length, all, few: [few.canSample, few.shown]};
    }"""
    found = js(CLOUD, script)
    assert found["before"] == [True, 600, 600] and found["all"] == [False, 6000, 6000] and found["few"] == [False, 200]
    assert all(35 < kind < 85 for kind in found["kinds"]), "every class has its share"
    assert 250 < found["half"] < 350


def test_what_many_events_between_two_frames_say_is_acted_on_once_a_frame(js):
    script = """async (m) => {
      const done = [];
      const frames = new m.OncePerFrame((what) => done.push(what));
      const painted = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      for (let i = 0; i < 50; i += 1) frames.push(i);
      const atOnce = [...done];
      await painted();
      const later = [...done];
      await painted();
      frames.push(7);
      const again = [...done];
      for (let i = 0; i < 9; i += 1) frames.push(i);
      frames.drop();
      await painted();
      return {atOnce, later, again, dropped: [...done]};
    }"""
    found = js("explorer/map/gestures.js", script)
    assert found == {"atOnce": [0], "later": [0, 49], "again": [0, 49, 7], "dropped": [0, 49, 7]}


def test_points_are_drawn_in_their_colour_and_hidden_classes_are_not(js):
    script = """(m) => {
      const cloud = new m.Points(Float32Array.from([0, 0, 1, 0]), Uint8Array.from([0, 1]), 2);
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


def test_a_map_without_an_inverse_locks_only_the_points_it_was_given(js):
    script = """(m) => {
      const cloud = new m.Points(Float32Array.from([0, 0, 0, 1, 0, 0, 1, 1, 5, 2, 2, 2]), Uint8Array.from([0, 1, 0, 1]), 3);
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
      const ask = (signal) => m.fetchEmbedding({model: 'a', version: 3}, 'tsne', {say: (words) => said.push(words), signal});
      const stays = life.signal;
      const {indices, coordinates} = await ask(stays);
      const refused = await ask(stays).catch((error) => error.message);
      const goes = new AbortController();
      const left = ask(goes.signal);
      const begun = performance.now();
      setTimeout(() => goes.abort(), 50);
      const none = await left;
      const soon = performance.now() - begun < 900;
      return {found: [...indices, ...coordinates], said, refused, left: none, soon, urls, methods};
    }"""
    found = js("explorer/answers/server_routes.js", script)
    assert found["found"] == [7, 0.5, -2] and found["refused"] == "No UMAP here."
    assert found["left"] is None and found["soon"], "who goes away does not wait for the next question"
    assert found["said"][0] == "Computing. Until it is there, the map stays as it is."
    assert found["urls"] == ["?model=a&kind=tsne&v=3"] * 5
    assert found["methods"] == ["GET", "POST", "POST", "GET", "GET"]  # looking starts nothing


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


def test_no_picture_of_the_prior_quantiles_is_a_giant_and_each_lies_where_it_was_decoded(js):
    script = """(m, ground) => import('/explorer/map/plane_projection.js').then(async ({Plane}) => {
      const {Viewport} = await import('/explorer/map/viewport.js');
      const view = new Viewport(480, 360);
      view.fit([0, 0], 6);
      const plane = new Plane([0.5, 0, 2], [1, 0, 0], [0, 1, 0]);
      const cells = m.quantileGrid(plane, view.bounds, view);
      return cells.map(({place, box}) => ({place, box, middle: view.toPlane([box[0] + box[2] / 2, box[1] + box[3] / 2])}));
    })"""
    cells = js(GROUND, script)
    places, boxes = (np.array([cell[key] for cell in cells]) for key in ("place", "box"))
    np.testing.assert_allclose(places, [cell["middle"] for cell in cells], atol=1e-6)
    assert boxes[:, 2:].max() < 40
    assert np.median(places[:, 0]) == pytest.approx(-0.5, abs=0.1), "the prior's middle, not the plane's"


def test_a_density_is_told_apart_where_it_is_thin_too(js):
    script = """(m) => {
      const range = m.rangeOf([-10, -14, -18, -500], 2);
      const light = (value) => m.colourOf(value, range).reduce((sum, part) => sum + part, 0);
      return {range, light: [-500, -17, -14, -10].map(light), flat: m.colourOf(3, m.rangeOf([3, 3], 2))};
    }"""
    found = js(GROUND, script)
    assert found["range"] == [-18, -10] and found["light"] == sorted(set(found["light"]))
    assert found["flat"] == [232, 238, 255]


def test_the_map_says_what_its_axes_and_dots_are_and_where_one_is(js):
    script = """(m) => ({
      axes: [m.axisNames('pc:0:2'), m.axisNames('pair:7:3'), m.axisNames('through:1,2', true), m.axisNames('tsne')],
      names: [m.imageWords(5018, '2'), m.imageWords(4, '8'), m.imageWords(0, 'ankle boot')],
      classes: [m.className(['cat'], 0), m.className(['cat'], 5), m.imageWords(3, m.className([], 0))],
      points: [{shown: 600, count: 10000, kind: 'pc:0:1'}, {shown: 9, count: 9, flat: true, kind: 'pair:0:1'}].map(m.pointWords),
      taken: m.hereWords(['PC 1', 'PC 2'], [0.5, -1.25], 'test image 5018, a 2', {}),
      near: m.hereWords(['z3', 'z0'], [1, 0], null, {near: 'test image 4, an 8'}),
      lost: m.hereWords([], null, null, {}),
    })"""
    found = js("explorer/map/caption.js", script)
    assert found["axes"] == [["PC 1", "PC 3"], ["z7", "z3"], ["pin 1 to pin 2", "towards pin 3"], []]
    assert found["names"] == ["test image 5018, a 2", "test image 4, an 8", "test image 0, an ankle boot"]
    assert found["classes"] == ["cat", "5", "test image 3"]
    assert found["points"][0] == "Points: the codes of 600 of 10,000 test images, projected onto this plane"
    assert found["points"][1] == "Points: the codes of 9 test images"
    assert found["taken"] == "You are at PC 1 0.50 · PC 2 −1.25: test image 5018, a 2, its own z, not the plane's."
    assert found["near"] == "You are at z3 1.00 · z0 0.00. The nearest point is test image 4, an 8: Enter takes it."
    assert found["lost"] == ""


def test_undo_and_redo_walk_through_what_was_committed(js):
    script = """(m) => {
      const history = new m.History();
      for (const z of [0, 1, 1, 2]) history.add({z: [z], posterior: null});
      const back = [history.undo(), history.undo(), history.undo()].map((place) => place?.z[0] ?? null);
      const forth = history.redo().z[0];
      history.add({z: [9], posterior: null});
      return {back, forth, lost: history.canRedo, again: history.undo().z[0]};
    }"""
    assert js("explorer/state/undo.js", script) == {"back": [1, 0, None], "forth": 1, "lost": False, "again": 1}


def test_a_and_b_change_places(js):
    script = """(m) => {
      const history = new m.History();
      return [history.swap('a'), history.swap('b'), history.swap('a')];
    }"""
    assert js("explorer/state/undo.js", script) == [None, "a", "b"]


def test_a_link_locks_the_view_and_gives_it_back(js):
    script = """(m) => {
      const view = {plane: 'pc:0:1', background: 'holes', view: [1, -2, 0.05], path: {kind: 'geodesic', even: true}};
      const pins = [{z: [1, 2], chosen: true, label: 'a'}, {z: [3, 4], chosen: false, label: 'b'}];
      const more = {samples: {seed: 7, temperature: 0.85}, compare: 'c&d', step: 0, noise: 4294967295};
      const href = m.linkOf('http://h/?z=9&x=1#y', {model: 'a b', hash: 'cafe', z: [0.1, -0.25], pins, ...view, ...more});
      const odd = 'http://h/?view=1,b&pins=1;1,2&path=wormhole&samples=-1,1&step=16777215&noise=1e3';
      return [href, m.readLink(href, 2), m.readLink(odd, 2), m.readLink('http://h/', 2)];
    }"""
    href, read, odd, bare = js("explorer/share/link.js", script)
    assert href.startswith("http://h/?model=a%20b&hash=cafe&z=0.1,-0.25&plane=pc%3A0%3A1")
    assert "&compare=c%26d&" in href  # the page reads it, not the component
    pins = [
        {"z": [1, 2], "label": "point of the link", "chosen": True},
        {"z": [3, 4], "label": "point of the link", "chosen": False},
    ]
    path, samples = {"kind": "geodesic", "even": True}, {"seed": 7, "temperature": 0.85}
    view = {"plane": "pc:0:1", "background": "holes", "view": [1, -2, 0.05]}
    assert read == {**view, "pins": pins, "path": path, "samples": samples, "step": 0, "noise": 2**32 - 1}
    assert odd == {**bare, "pins": [{**pins[0], "z": [1, 2]}]}
    assert [key for key, value in bare.items() if value not in (None, [])] == []


def test_the_copied_python_draws_the_same_picture(js, tmp_path, make_model):
    from vae_core.latent.latent_model import open_model

    path = make_model(tmp_path / "m.safetensors", latent_dim=3)
    z = [0.123, -1.5, 2.0]
    code = js("explorer/share/link.js", "(m, file, z) => m.pythonOf({file, hash: 'cafe', z})", str(path), z)
    names: dict = {}
    exec(code, names)  # what a person would paste
    np.testing.assert_array_equal(names["picture"], open_model(path).decode([z])[0])


def test_the_copied_python_opens_the_step_and_draws_the_noise_that_are_shown(js, tmp_path, make_model):
    from vae_core.latent.latent_model import open_model

    run = tmp_path / "run"
    snapshot_path(run, 512).parent.mkdir(parents=True)
    snapshot = make_model(snapshot_path(run, 512), latent_dim=2, model={"likelihood": "gaussian"})
    what = "(m, file) => m.pythonOf({file, hash: 'cafe', z: [0.5, 1], step: 512, noise: 7})"
    names: dict = {}
    exec(js("explorer/share/link.js", what, str(run / "best.safetensors")), names)
    np.testing.assert_array_equal(names["picture"], open_model(snapshot).draw([[0.5, 1]], seed=7)[0])


def test_a_gallery_page_loads_nothing_and_escapes_notes(js):
    item = {
        "z": [0.5],
        "picture": "data:image/png;base64,AA==",
        "note": "<script>alert(1)</script>",
        "when": "2025-01-02T03:04:05Z",
    }
    page = js("explorer/share/gallery.js", "(m, items) => m.galleryPage('m & m', items)", [item])
    assert "<script" not in page and "&#60;script" in page and "m &#38; m" in page
    assert "http" not in page and "data:image/png" in page and "z = [0.500]" in page


def test_muting_and_solo_give_back_what_they_took(js):
    script = """(m) => {
      const locks = new m.LockedDimensions();
      const start = [1, 2, 3];
      const solo = locks.solo(start, 1, true);
      const isSolo = locks.isSolo(1, 3);
      const back = locks.solo(solo, 1, false);
      locks.lock(0, true);
      return {solo, isSolo, back, kept: locks.keep(back, [9, 9, 9])};
    }"""
    assert js("explorer/state/locked_dimensions.js", script) == {
        "solo": [0, 2, 0],
        "isSolo": True,
        "back": [1, 2, 3],
        "kept": [1, 9, 9],
    }


def test_a_direction_moves_z_along_its_axis_to_the_wanted_coordinate(js):
    script = """(m) => {
      const direction = {axis: [0.6, 0.8], centre: [1, 1]};
      const z = m.moved([3, 0], direction, 2);
      return [m.coordinate(z, direction), z];
    }"""
    coordinate, z = js("explorer/sliders/principal_components.js", script)
    assert coordinate == pytest.approx(2)
    offset = np.array(z) - [3, 0]
    assert offset[0] / 0.6 == pytest.approx(offset[1] / 0.8)

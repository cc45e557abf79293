"""Who decodes, the server or this browser. Socket and onnxruntime-web are stand-ins that draw alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from test_browser_decoder import RUNTIME
from test_connections import FAKE_SOCKET

# A server that draws z as the stand-in's model does, after `late` ms; `cut` ends it. What it was asked is in `asked`.
SERVER = """
  const server = {late: 0, off: 0, away: false, asked: 0};
  window.WebSocket = class {
    constructor(url) {
      made.push(this);
      setTimeout(() => (server.away ? this.close() : this.onmessage({data: greeting})));
    }
    send(frame) {
      server.asked += 1;
      const view = new DataView(frame);
      const z = new Float32Array(frame, 8);
      const reply = new DataView(new ArrayBuffer(16));
      const pixels = [z[0], z[1], z[0] + 0.5, z[1] + 0.5].map((value) => Math.round(255 * value) + server.off);
      pixels.forEach((value, i) => reply.setUint8(12 + i, Math.min(255, Math.max(0, value))));
      reply.setUint8(1, 1);
      reply.setUint8(0, view.getUint8(0));
      reply.setUint32(4, view.getUint32(4, true), true);
      reply.setUint16(8, 2, true);
      reply.setUint16(10, 2, true);
      setTimeout(() => server.away || this.onmessage?.({data: reply.buffer}), server.late);
    }
    close() { this.onclose?.({code: 1006, reason: ''}); }
  };
  const greeting = Uint8Array.from([2, 1, 2, 0, 2, 0, 2, 0, 67, 80, 85]).buffer;
  const cut = () => { server.away = true; for (const socket of made) socket.onclose?.({code: 1006, reason: ''}); };
  const until = async (holds) => { while (!holds()) await new Promise((go) => setTimeout(go, 5)); };
  const draws = (live, painted, value) => { live.request([value, 0], value); return until(() => painted.at(-1)[0] === value); };
  const bytes = (told) => new TextEncoder().encode(JSON.stringify(told)).buffer;
  const offer = {url: bytes({}), runtime: '/stand-in/', layout: 'nchw', range: 'unit'};
  const opened = (decoder = offer) => {
    const answers = new m.QuickerAnswers();
    const painted = [];
    const none = () => {};
    const picture = (answer, start) => painted.push([start, answer.pixels[0]]);
    const on = {picture, hello: none, offline: () => painted.push('offline'), refused: none};
    answers.takeover.open({name: 'a', data: {z: [0, 0], decoder}, signal: life.signal});
    const live = answers.picture('a', 2, on, life.signal);
    return {answers, takeover: answers.takeover, painted, live};
  };
"""


@pytest.fixture
def takeover(js: Callable[..., Any]) -> Callable[..., Any]:
    """takeover(body): runs it with the stand-ins above."""
    js.page.context.route("**/stand-in/*", lambda route: route.fulfill(body=RUNTIME, content_type="text/javascript"))

    def call(body: str, address: str = "") -> Any:
        if address:
            js.page.goto(js.page.url + address)
        return js("explorer/answers/quicker_answers.js", f"async (m) => {{ {FAKE_SOCKET} {SERVER} {body} }}")

    call.page = js.page  # type: ignore[attr-defined]
    return call


def test_the_browser_takes_over_where_it_is_quicker_and_asks_the_server_nothing(takeover):
    before, asked, painted = takeover(
        """server.late = 100;
        const {live, takeover, painted} = opened();
        const before = takeover.state;
        live.request([0, 0], 'first');
        await until(() => takeover.decodes('a'));
        const {asked} = server;
        for (const value of [0.2, 0.4]) await draws(live, painted, value);
        return [before, server.asked - asked, painted];"""
    )
    assert before == "waiting"
    assert asked == 0
    assert painted == [["first", 0], [0.2, 51], [0.4, 102]]


@pytest.mark.parametrize(
    ("address", "states"), [("?decode=server", ["waiting"]), ("?decode=browser", ["waiting", "loading", "ready"])]
)
def test_nothing_is_loaded_before_the_first_picture_nor_where_the_server_is_to_decode(takeover, address, states):
    found = takeover(
        """const {live, takeover, painted} = opened();
        const states = [takeover.state];
        takeover.listen(() => states.push(takeover.state), life.signal);
        await new Promise((go) => setTimeout(go, 600));
        const before = states.length;
        live.request([0, 0], 0);
        await until(() => painted.length > 0);
        await new Promise((go) => setTimeout(go, 600));
        if (takeover.choice === 'browser') await until(() => takeover.state === 'ready');
        return [before, [...new Set(states)]];""",
        address,
    )
    assert found == [1, states]


def test_a_decoder_that_draws_otherwise_is_refused(takeover):
    state, reason, asked = takeover(
        """server.off = 2;
        const {live, takeover, painted} = opened();
        live.request([0, 0], 0);
        await until(() => takeover.state === 'failed');
        const {asked} = server;
        live.request([0.2, 0], 1);
        await until(() => painted.at(-1)[0] === 1);
        return [takeover.state, takeover.reason, server.asked - asked];"""
    )
    assert (state, asked) == ("failed", 1)
    assert reason == "its pictures differ from the server's by up to 2 of 255"


def test_one_of_255_is_no_difference(takeover):
    body = """server.off = 1; const {live, takeover} = opened(); live.request([0, 0], 0);
        await until(() => takeover.state === 'ready');"""
    assert takeover(f"{body} return takeover.reason;") == ""


def test_a_slower_browser_leaves_it_to_the_server_until_the_server_is_away(takeover):
    found = takeover(
        """const slow = {...offer, url: bytes({late: 60})};
        const {live, takeover, painted} = opened(slow);
        live.request([0, 0], 0);
        await until(() => takeover.state === 'ready');
        const before = takeover.decodes('a');
        live.request([0.2, 0], 1);
        await until(() => painted.at(-1)[0] === 1);
        cut();
        live.request([0.4, 0], 2);
        await until(() => painted.at(-1)[0] === 2);
        return [before, takeover.decodes('a'), painted.filter(Array.isArray)];"""
    )
    assert found == [False, True, [[0, 0], [1, 51], [2, 102]]]


@pytest.mark.parametrize(("slow", "stays"), [("lateAt: 0.4", True), ("lateAfter: 11", False)])
def test_it_hands_over_when_it_is_slower_on_the_same_points_and_not_for_a_slow_moment(takeover, slow, stays):
    """Pictures of 0.4 are slow in the one, all but the proof in the other."""
    during, asked, found = takeover(
        f"""server.late = 30;
        const {{live, takeover, painted}} = opened({{...offer, url: bytes({{late: 150, {slow}}})}});
        live.request([0, 0], 0);
        await until(() => takeover.decodes('a'));
        const {{asked}} = server;
        let told = 0;
        takeover.listen(() => (told += 1), life.signal);
        const now = performance.now.bind(performance);
        performance.now = () => now() + 60000;
        for (let i = 1; i < 3; i += 1) {{
          live.request([0.4, 0], i);
          await until(() => painted.at(-1)[0] === i);
        }}
        const during = server.asked - asked + told;
        await new Promise((go) => setTimeout(go, 2500));
        return [during, told && server.asked - asked, takeover.decodes('a')];"""
    )
    assert found is stays
    assert (during, asked >= 4) == (0, True), "both are timed anew, once nothing moves, and that is told"


@pytest.mark.parametrize(
    ("told", "adapter", "asked", "on_gpu"),
    [
        ("lateOn: {wasm: 30}", "{info: {}}", True, True),
        ("", "{info: {}}", False, False),
        ("lateOn: {wasm: 30, webgpu: 60}", "{info: {}}", True, False),
        ("lateOn: {wasm: 30}, offOn: 'webgpu'", "{info: {}}", True, False),
        ("lateOn: {wasm: 30}", "{info: {isFallbackAdapter: true}}", False, False),
        ("lateOn: {wasm: 30}", "null", False, False),
    ],
    ids=["quicker", "not needed", "slower", "draws otherwise", "a processor", "none"],
)
def test_a_graphics_card_decodes_where_it_is_quicker_than_a_decoder_that_takes_long(takeover, told, adapter, asked, on_gpu):
    requested: list[str] = []
    takeover.page.on("request", lambda request: requested.append(request.url))
    found = takeover(
        f"""Object.defineProperty(navigator, 'gpu', {{value: {{requestAdapter: async () => ({adapter})}}}});
        server.late = 100;
        const {{live, takeover, painted}} = opened({{...offer, url: bytes({{{told}}})}});
        live.request([0, 0], 0);
        await until(() => takeover.decodes('a'));
        await new Promise((go) => setTimeout(go, 1500));
        await draws(live, painted, 0.2);
        return [takeover.state, takeover.onGpu, takeover.times.browser < 20, painted.at(-1)];"""
    )
    assert found == ["ready", on_gpu, on_gpu or not told, [0.2, 51]]
    assert any("webgpu" in url for url in requested) is asked
    assert len(takeover.page.workers) == 1


def test_a_decoder_that_could_not_be_loaded_while_the_server_was_away_is_loaded_when_it_is_back(takeover):
    states = takeover(
        """const {live, takeover} = opened({...offer, url: '/nowhere/decoder'});
        const states = [];
        takeover.listen(() => states.push(takeover.state), life.signal);
        live.request([0, 0], 0);
        await until(() => takeover.state === 'loading');
        cut();
        await until(() => takeover.state === 'waiting');
        server.away = false;
        await until(() => live.open);
        live.request([0.2, 0], 1);
        await until(() => takeover.state === 'loading');
        return states;"""
    )
    assert "failed" not in states


def test_with_the_socket_cut_pictures_keep_coming(takeover):
    painted = takeover(
        """server.late = 50;
        const {live, takeover, painted} = opened();
        live.request([0, 0], 0);
        await until(() => takeover.decodes('a'));
        cut();
        for (const value of [0.2, 0.4, 0.6]) await draws(live, painted, value);
        return [live.open, painted];"""
    )
    assert painted == [True, [[0, 0], "offline", [0.2, 51], [0.4, 102], [0.6, 153]]]


def test_what_a_dying_worker_owes_is_asked_of_the_server(takeover):
    painted, state, reason = takeover(
        """server.late = 50;
        const {live, takeover, painted} = opened({...offer, url: bytes({crashAt: 0.4})});
        live.request([0, 0], 0);
        await until(() => takeover.decodes('a'));
        for (const value of [0.2, 0.4, 0.6]) await draws(live, painted, value);
        return [painted, takeover.state, takeover.reason];"""
    )
    assert painted == [[0, 0], [0.2, 51], [0.4, 102], [0.6, 153]]
    assert state == "failed" and "out of memory" in reason


def test_many_pictures_go_through_the_same_door(takeover):
    asked, pixels = takeover(
        """server.late = 50;
        const {answers, live, takeover} = opened();
        live.request([0, 0], 0);
        await until(() => takeover.decodes('a'));
        const queries = answers.queries('a', null, life.signal);
        const {asked} = server;
        const both = [queries.pictures('film', [[0, 0]], 32), queries.pictures('film', [[0.2, 0], [0.4, 0]], 1)];
        const [old, found] = await Promise.all(both);
        return [server.asked - asked, [old, found.map(({pixels}) => [...pixels])]];"""
    )
    assert asked == 0
    assert pixels == [None, [[89], [115]]]


def test_a_path_without_gradients_is_drawn_here_and_a_geodesic_is_the_servers(takeover):
    before, after, path = takeover(
        """server.late = 50;
        const {answers, live, takeover} = opened();
        live.request([0, 0], 0);
        await until(() => takeover.decodes('a'));
        const queries = answers.queries('a', null, life.signal);
        const {asked} = server;
        const path = await queries.path('path linear', [[0, 0], [0.4, 0]], {kind: 'linear', even: false, count: 3});
        const before = server.asked - asked;
        queries.path('path geodesic', [[0, 0], [0.4, 0]], {kind: 'geodesic', even: false, count: 3});
        await until(() => server.asked > asked);
        return [before, server.asked - asked, {...path, pictures: path.pictures.map(({pixels}) => pixels[0])}];"""
    )
    assert (before, after) == (0, 1)
    assert path["pictures"] == [0, 51, 102]
    assert [point[0] for point in path["z"]] == pytest.approx([0, 0.2, 0.4])
    assert path["said"] is False and len(path["changes"]) == 2


def test_another_model_drops_the_decoder_and_a_choice_is_kept_for_the_session(takeover):
    found = takeover(
        """server.late = 50;
        const {live, takeover} = opened();
        live.request([0, 0], 0);
        await until(() => takeover.decodes('a'));
        takeover.open({name: 'b', data: {z: [0, 0], decoder: null}, signal: life.signal});
        const dropped = takeover.decodes('a') || takeover.decodes('b');
        takeover.choose('server');
        return [dropped, takeover.state, new m.QuickerAnswers().takeover.choice, location.search];""",
        "?model=a&decode=browser",
    )
    assert found == [False, "none", "server", "?model=a"]
    assert takeover.page.workers == []

"""The two connections of the explorer against a fake socket: one question in flight, refusals, lost connections, patience."""

from __future__ import annotations

import pytest

FAKE_SOCKET = """
  const made = [];
  window.WebSocket = class {
    constructor(url) { this.url = url; this.sent = []; made.push(this); }
    send(frame) { this.sent.push(new DataView(frame).getUint32(4, true)); }
    close() { this.onclose?.({code: 1000, reason: ''}); }
    hello(size = 4) { this.onmessage({data: Uint8Array.from([2, 1, size, 0, 1, 0, 1, 0, 67, 80, 85]).buffer}); }
    reply(sequence) {
      const frame = new DataView(new ArrayBuffer(13));
      frame.setUint8(0, 1); frame.setUint8(1, 1);
      frame.setUint32(4, sequence, true); frame.setUint16(8, 1, true); frame.setUint16(10, 1, true);
      frame.setUint8(12, sequence);
      this.onmessage({data: frame.buffer});
    }
  };
  const log = [];
  const on = {
    hello: (frame, refusing) => log.push('hello ' + frame.device + (refusing ? ', refusing' : '')),
    picture: (answer, start) => log.push(`picture ${answer.pixels[0]} from ${start}`),
    offline: () => log.push('offline'),
    refused: (code, reason) => log.push(`refused ${code} ${reason}`),
  };
"""


def with_socket(js, body, *arguments):
    return js("explorer/connection/picture_connection.js", f"async (m) => {{ {FAKE_SOCKET} {body} }}", *arguments)


def test_one_request_is_in_flight_and_the_newest_wins(js):
    sent, log = with_socket(
        js,
        """const live = new m.PictureConnection('ws://nowhere', 4, on, life.signal); made[0].hello();
        for (let i = 1; i <= 5; i += 1) live.request([i, 0, 0, 0], i);
        made[0].reply(1); made[0].reply(2);
        return [made[0].sent, log];""",
    )
    assert sent == [1, 2]
    assert log == ["hello CPU", "picture 1 from 1", "picture 2 from 5"]


def test_a_reply_to_another_request_is_dropped(js):
    log = with_socket(
        js,
        """const live = new m.PictureConnection('ws://nowhere', 4, on, life.signal); made[0].hello();
        live.request([0, 0, 0, 0], 1); made[0].reply(9); made[0].reply(1); made[0].reply(1); return log;""",
    )
    assert log == ["hello CPU", "picture 1 from 1"]


def test_a_lost_connection_is_tried_again_with_growing_pauses_and_the_question_is_asked_again(js):
    delays, sent, log = with_socket(
        js,
        """const delays = []; window.setTimeout = (f, ms) => { if (ms < 5000) { delays.push(ms); window.later = f; } return 0; };
        Math.random = () => 0.5;
        const live = new m.PictureConnection('ws://nowhere', 4, on, life.signal); made[0].hello(); live.request([0, 0, 0, 0], 3);
        for (let i = 0; i < 5; i += 1) { made[i].onclose({code: 1006, reason: ''}); window.later(); }
        made[5].hello();
        return [delays, made[5].sent, log];""",
    )
    assert delays == [250, 500, 1000, 2000, 4000]
    assert len(sent) == 1
    assert log == ["hello CPU", *["offline"] * 5, "hello CPU"]


def test_a_model_that_is_gone_is_not_asked_for_again(js):
    log, count = with_socket(
        js,
        """new m.PictureConnection('ws://nowhere', 4, on, life.signal); made[0].onclose({code: 4404, reason: 'deleted'});
        await new Promise((r) => setTimeout(r, 600)); return [log, made.length];""",
    )
    assert log == ["refused 4404 deleted"]
    assert count == 1


def test_a_point_that_the_server_cannot_draw_is_not_asked_for_again_and_the_pauses_grow(js):
    delays, sent, log = with_socket(
        js,
        """const delays = []; window.setTimeout = (f, ms) => { if (ms < 5000) { delays.push(ms); window.later = f; } return 0; };
        Math.random = () => 0.5;
        const live = new m.PictureConnection('ws://nowhere', 4, on, life.signal); live.request([1, 0, 0, 0], 3);
        for (let i = 0; i < 4; i += 1) { made[i].hello(); made[i].onclose({code: 1011, reason: 'failed'}); window.later(); }
        made[4].hello(); live.request([2, 0, 0, 0], 4);
        return [delays, made.map(({sent}) => sent.length), log];""",
    )
    assert sent == [1, 0, 0, 0, 1]  # the last one is another point
    assert delays == [250, 500, 1000, 2000]
    assert log[-1] == "hello CPU, refusing" and log.count("offline") == 4


def test_a_new_connection_asks_for_the_point_again(js):
    """The server may have another file by then, and with it another picture."""
    sent = with_socket(
        js,
        """window.setTimeout = (f, ms) => { if (ms < 5000) window.later = f; return 0; };
        const live = new m.PictureConnection('ws://nowhere', 4, on, life.signal); made[0].hello(); live.request([1, 0, 0, 0], 3);
        made[0].reply(1);
        made[0].onclose({code: 1006, reason: ''}); window.later(); made[1].hello();
        return made.map(({sent}) => sent.length);""",
    )
    assert sent == [1, 1]


def test_a_server_that_has_another_size_now_is_asked_nothing(js):
    sent, log = with_socket(
        js,
        """const live = new m.PictureConnection('ws://nowhere', 4, on, life.signal); live.request([1, 0, 0, 0], 3);
        made[0].hello(6);
        await new Promise((r) => setTimeout(r, 600)); return [made.map(({sent}) => sent.length), log];""",
    )
    assert sent == [0]
    assert log == ["refused 4409 the model has another latent size now"]


QUERIES = """
  const answer = (i, sequence) => {
    const frame = new DataView(new ArrayBuffer(8 + 24));
    frame.setUint8(0, 4); frame.setUint16(2, 1, true); frame.setUint32(4, sequence, true);
    made[i].onmessage({data: frame.buffer});
  };
"""


def with_queries(js, body):
    return js("explorer/connection/query_connection.js", f"async (m) => {{ {FAKE_SOCKET} {QUERIES} {body} }}")


def test_every_question_ends_when_the_connection_is_closed(js):
    ended = with_queries(
        js,
        """const queries = new m.QueryConnection('ws://nowhere', life.signal); made[0].hello();
        const open = [queries.places('here', [[0]]), queries.places('there', [[0]])];
        life.abort();
        return Promise.all([...open, queries.places('here', [[0]])]);""",
    )
    assert ended == [None, None, None]


def test_a_question_without_an_answer_ends_and_the_others_go_on(js):
    page = js.page
    page.clock.install()
    with_queries(
        js,
        """Object.assign(window, {made, answer});
        window.queries = new m.QueryConnection('ws://nowhere', life.signal, () => (window.back = true));
        made[0].hello(); window.ended = {};
        for (const topic of ['a', 'b']) queries.places(topic, [[0]]).then((found) => (ended[topic] = found));""",
    )
    page.clock.fast_forward(20_000)
    assert page.evaluate("() => ended") == {}
    page.clock.fast_forward(11_000)
    page.wait_for_function("() => 'a' in ended")
    assert page.evaluate("() => queries.refusal") == "the server did not answer in time"
    page.evaluate("() => { queries.places('c', [[0]]).then((found) => (ended.c = found !== null)); }")
    page.clock.fast_forward(600)
    page.evaluate("() => { made[1].hello(); answer(1, 2); }")
    page.wait_for_function("() => 'c' in ended")
    assert page.evaluate("() => [ended, back]") == [{"a": None, "b": None, "c": True}, True]


@pytest.mark.parametrize(("code", "asked"), [(1011, [1, 0, 0, 0]), (1013, [1, 1, 1, 1])])
def test_a_refused_question_ends_a_busy_server_is_asked_again_and_the_pauses_grow(js, code, asked):
    delays, sent, ended = with_queries(
        js,
        f"""const delays = [];
        window.setTimeout = (f, ms) => {{ if (ms < 9000) {{ delays.push(ms); window.later = f; }} return 0; }};
        Math.random = () => 0.5;
        const queries = new m.QueryConnection('ws://nowhere', life.signal); let ended = false;
        made[0].hello(); queries.places('here', [[0]]).then(() => (ended = true));
        for (let i = 0; i < 3; i += 1) {{ made[i].onclose({{code: {code}, reason: ''}}); window.later(); made[i + 1].hello(); }}
        await null;
        return [delays, made.map(({{sent}}) => sent.length), ended];""",
    )
    assert delays == [250, 500, 1000]
    assert sent == asked
    assert ended == (code == 1011)


# What both kinds share: `ask()` puts a question, `serve(i)` answers the one that connection i was asked last.
BOTH = {
    "picture": (
        "explorer/connection/picture_connection.js",
        """const connection = new m.PictureConnection('ws://nowhere', 4, on, life.signal);
        const ask = () => connection.request([1, 0, 0, 0], 0); const serve = (i) => made[i].reply(made[i].sent.at(-1));""",
    ),
    "query": (
        "explorer/connection/query_connection.js",
        """const connection = new m.QueryConnection('ws://nowhere', life.signal);
        const ask = () => { connection.places('here', [[0]]); }; const serve = (i) => answer(i, made[i].sent.at(-1));""",
    ),
}


@pytest.mark.parametrize("kind", BOTH)
def test_an_answer_and_not_a_greeting_ends_the_growing_of_the_pauses(js, kind):
    module, begin = BOTH[kind]
    delays = js(
        module,
        f"""(m) => {{ {FAKE_SOCKET} {QUERIES} const delays = []; Math.random = () => 0.5;
        window.setTimeout = (f, ms) => {{ if (ms < 5000) {{ delays.push(ms); window.later = f; }} return 0; }};
        {begin} ask();
        const lose = (i) => {{ made[i].onclose({{code: 1006, reason: ''}}); window.later(); made[i + 1].hello(); }};
        made[0].hello(); [0, 1, 2].forEach(lose); serve(3); [3, 4].forEach(lose);
        return delays; }}""",
    )
    assert delays == [250, 500, 1000, 250, 500]


@pytest.mark.parametrize("kind", BOTH)
def test_a_machine_that_is_online_again_waits_for_no_pause_and_after_the_end_for_nothing(js, kind):
    module, begin = BOTH[kind]
    counts = js(
        module,
        f"""(m) => {{ {FAKE_SOCKET} {QUERIES} {begin}
        const lose = () => made.at(-1).onclose({{code: 1006, reason: ''}});
        made[0].hello(); lose();
        window.dispatchEvent(new Event('online'));
        const awake = made.length;
        window.dispatchEvent(new Event('online')); // it is connecting already
        lose(); life.abort();
        window.dispatchEvent(new Event('online'));
        return [awake, made.length, connection.closed]; }}""",
    )
    assert counts == [2, 2, True]

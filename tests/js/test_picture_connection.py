"""The large picture's connection with several requests in flight, against a fake socket and a clock of the test's own."""

from __future__ import annotations

import base64

import numpy as np

from vae_core.images.pixels import to_jpeg

WAY = """
  const made = [], log = [];
  let now = 0;
  performance.now = () => now;
  window.WebSocket = class {
    constructor() { this.sent = []; this.kinds = []; made.push(this); }
    send(frame) {
      const view = new DataView(frame);
      this.kinds.push(view.getUint8(0));
      this.sent.push(view.getUint32(4, true));
      (this.z ??= []).push(view.getFloat32(8, true));
    }
    close() { this.onclose?.({code: 1000, reason: ''}); }
    hello() { this.onmessage({data: Uint8Array.from([2, 3, 4, 0, 64, 0, 64, 0, 67, 80, 85]).buffer}); }
    reply(sequence, {kind = 10, content = new Uint8Array(64 * 64 * 3), served = 30} = {}) {
      const frame = new Uint8Array(12 + content.length), view = new DataView(frame.buffer);
      frame.set([kind, 3]);
      view.setUint16(2, served, true); view.setUint32(4, sequence, true);
      view.setUint16(8, 64, true); view.setUint16(10, 64, true);
      frame.set(content, 12);
      this.onmessage({data: frame.buffer});
    }
  };
  const on = {
    hello: () => {}, offline: () => log.push('offline'), refused: (code) => log.push(`refused ${code}`),
    picture: (answer, start) => log.push([start, answer.lossy === true, answer.pixels[0]]),
  };
  const live = new m.PictureConnection('ws://nowhere', 4, on, life.signal);
  const [socket] = made;
  let event = 0;
  const ask = () => { event += 1; live.request([event, 0, 0, 0], event); };
  socket.hello();
  // Every reply comes `trip` ms after it was asked for, and each event 16 ms after the one before.
  const far = (trip, events) => {
    const due = [];
    for (let i = 0; i < events; i += 1) {
      while (due.length > 0 && due[0][1] <= now) answer(due);
      const before = socket.sent.length;
      ask();
      if (socket.sent.length > before) due.push([socket.sent.at(-1), now + trip]);
      now += 16;
    }
    return due;
  };
  const answer = (due) => {
    const before = socket.sent.length;
    socket.reply(due.shift()[0]);
    if (socket.sent.length > before) due.push([socket.sent.at(-1), now + 103]);
  };
"""


def connected(js, body, *arguments):
    """The function's result; `far(trip, events)` drags and returns what is in flight then."""
    names = ", ".join(f"a{i}" for i in range(len(arguments)))
    given = f"(m{', ' if names else ''}{names})"
    return js("explorer/connection/picture_connection.js", f"async {given} => {{ {WAY} {body} }}", *arguments)


def test_over_a_far_way_several_requests_are_in_flight_and_each_newest_point_is_sent(js):
    in_flight, sent, z = connected(js, "const due = far(103, 80); return [due.length, socket.sent, socket.z];")
    assert in_flight == 7
    assert sent == list(range(1, len(sent) + 1))
    assert z == sorted(z) and z[-7:] == [74, 75, 76, 77, 78, 79, 80], "one request for each of the last events"


def test_a_reply_stands_for_the_requests_before_it(js):
    shown, again, sent = connected(
        js,
        """const due = far(103, 80).map(([sequence]) => sequence); log.length = 0; now += 30;
        socket.reply(due[2]); const shown = [...log];
        socket.reply(due[1]); const again = log.length;
        const before = socket.sent.length; ask(); ask(); ask();
        return [shown, again, socket.sent.length - before];""",
    )
    assert [start for start, *_ in shown] == [76]
    assert again == 1, "one that comes late all the same is dropped"
    assert sent == 3, "there is room for as many as were overtaken"


def test_with_several_in_flight_a_lost_connection_asks_for_the_newest_point_alone(js):
    z, log = connected(
        js,
        """window.setTimeout = (f, ms) => { if (ms < 5000) window.later = f; return 0; };
        far(103, 80); log.length = 0;
        socket.onclose({code: 1011, reason: 'failed'}); window.later(); made[1].hello();
        return [made[1].z, log];""",
    )
    assert z == [80], "any of seven may be the one that could not be drawn"
    assert log == ["offline"]


NARROW = """
  window.setTimeout = (f, ms) => { if (ms === 100) window.rested = f; return 0; };
  // each picture takes 98 ms, as over 1 Mbit/s
  let last = 0;
  while (socket.kinds.at(-1) !== 11) {
    for (let i = 0; i < 6; i += 1) { ask(); now += 98 / 6; }
    last += 1;
    if (!(last <= socket.sent.length)) throw new Error('no request in flight');
    socket.reply(last);
    if (last > 20) throw new Error('no JPEG file was asked for');
  }
  while (last < socket.sent.length - 1) { now += 98; socket.reply(++last); } // raw ones that were asked for before
  const file = Uint8Array.from(atob(a0), (c) => c.charCodeAt(0));
  const settled = async (count) => { while (log.length < count) await new Promise((r) => requestAnimationFrame(r)); };
"""


def jpeg_of(level):
    return base64.b64encode(to_jpeg(np.full((64, 64, 3), level, np.uint8))).decode()


def test_over_a_narrow_way_the_moving_picture_is_a_jpeg_file_and_the_resting_one_exact(js):
    shown, kinds, z, exact = connected(
        js,
        f"""{NARROW} log.length = 0; now += 12;
        socket.reply(++last, {{kind: 11, content: file}}); await settled(1);
        const shown = [...log], before = socket.sent.length;
        rested();
        const kinds = socket.kinds.slice(before), z = [socket.z[before], event];
        now += 100; socket.reply(socket.sent.at(-1), {{content: new Uint8Array(64 * 64 * 3).fill(199)}});
        return [shown, kinds, z, log.slice(1)];""",
        jpeg_of(200),
    )
    assert [lossy for _, lossy, _ in shown] == [True] and abs(shown[0][2] - 200) <= 2
    assert kinds == [10] and z[0] == z[1], "the newest point once more, as it is"
    assert exact == [[z[1], False, 199]]


def test_a_file_that_the_browser_cannot_read_is_followed_by_pictures_as_they_are(js):
    log, kinds = connected(
        js,
        f"""{NARROW} log.length = 0; delete window.rested;
        socket.reply(++last, {{kind: 11, content: new Uint8Array(500)}});
        while (!window.rested) await new Promise((r) => requestAnimationFrame(r));
        const before = socket.sent.length; rested(); ask(); return [log, socket.kinds.slice(before)];""",
        jpeg_of(1),
    )
    assert log == []
    assert set(kinds) == {10}

"""The socket under load: many ask much at once, leave, connect in a storm or do not read; nobody who drags notices."""

from __future__ import annotations

import asyncio
import contextlib
import socket as socketlib
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from test_live import assert_still_served, closed_with, live, reply, request  # noqa: F401  (live is a fixture)
from websockets.exceptions import InvalidStatus

from ui.server import connection_limits, live_connection, live_queries, origin_check
from ui.server.live_connection import MAX_FRAME
from ui.server.worker_threads import TaskQueue

pytestmark = pytest.mark.usefixtures("tiny_checkpoint")


def path_question(kind=2, stops=12, count=240, sequence=5):
    z = np.random.default_rng(0).normal(size=(stops, 4)).astype("<f4")
    return struct.pack("<BxHI", 5, kind | count << 8, sequence) + z.tobytes()


def where_question(sequence=6):
    return struct.pack("<BxHI", 4, 0, sequence) + np.zeros((1, 4), "<f4").tobytes()


@pytest.fixture
def held(monkeypatch):
    """Questions wait at this gate; a short line behind one thread."""
    gate, begun, ended = threading.Event(), threading.Event(), []

    def wait(model, encoded, frame, stop_check):
        begun.set()
        try:
            while not gate.wait(0.01):
                stop_check()
        except Exception as error:
            ended.append(type(error).__name__)
            raise
        return b"\x04" + bytes(7)

    monkeypatch.setattr(live_queries, "answer", wait)
    for name in ("_quick_queue", "_slow_queue"):
        monkeypatch.setattr(live_connection, name, TaskQueue("test", threads=1, waiting=2, limit=20))
    gate.begun, gate.ended = begun, ended
    yield gate
    gate.set()


def test_while_long_questions_are_under_way_pictures_and_new_connections_come_at_once(live, held):  # noqa: F811
    for _ in range(3):
        asking = live()
        asking.recv(timeout=10)
        asking.send(path_question())
    other = live()
    other.recv(timeout=10)
    assert_still_served(other)


def test_a_question_that_finds_the_line_full_is_told_to_come_again(live, held):  # noqa: F811
    sockets = [live() for _ in range(4)]
    for socket in sockets:
        socket.recv(timeout=10)
        socket.send(path_question(sequence=9))
    for socket in sockets:  # one is under way, two wait, the fourth (in whatever order they were read) does not fit
        with contextlib.suppress(TimeoutError):
            frame = socket.recv(timeout=1)
            break
    kind, of, wait, sequence = struct.unpack("<BBHI", frame)
    assert (kind, of, sequence) == (7, 5, 9) and wait >= 500
    assert_still_served(socket)


def test_nobody_works_on_the_question_of_a_client_that_has_left(live, held):  # noqa: F811
    socket = live()
    socket.recv(timeout=10)
    socket.send(path_question())
    assert held.begun.wait(10)
    socket.close()
    end = time.monotonic() + 10
    while held.ended != ["StoppedError"] and time.monotonic() < end:
        time.sleep(0.01)
    assert held.ended == ["StoppedError"]


def test_a_question_that_takes_too_long_closes_with_a_reason(live, held, monkeypatch):  # noqa: F811
    monkeypatch.setattr(live_connection, "_slow_queue", TaskQueue("test", threads=1, waiting=2, limit=0.05))
    socket = live()
    socket.recv(timeout=10)
    socket.send(path_question())
    code, reason = closed_with(socket)
    assert code == 4408 and "ask for less" in reason


def test_a_message_sent_while_a_question_is_under_way_is_answered_after_it(live):  # noqa: F811
    socket = live()
    socket.recv(timeout=10)
    socket.send(where_question())
    socket.send(request([0, 0, 0, 0], 3))
    assert socket.recv(timeout=20)[0] == 4
    assert reply(socket.recv(timeout=10))[0] == 3


def masked(body):
    """A client's frame; the mask is zero."""
    return b"\x82" + bytes([0x80 | len(body)]) + bytes(4) + body


def test_a_client_that_reads_nothing_is_cut_off_and_no_other_is(live, monkeypatch):  # noqa: F811
    monkeypatch.setattr(connection_limits, "PATIENCE", 0.3)
    monkeypatch.setattr(connection_limits, "LOOK", 0.05)
    other = live()
    other.recv(timeout=10)
    with socketlib.socket() as deaf:
        deaf.setsockopt(socketlib.SOL_SOCKET, socketlib.SO_RCVBUF, 4096)
        deaf.settimeout(20)
        deaf.connect(("127.0.0.1", live.port))
        deaf.sendall(
            b"GET /live?model=tiny HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        draws = struct.pack("<BxHIIIf", 6, 0, 1, 512, 1, 1.0)  # 400 kB, more than the network takes on
        end = time.monotonic() + 20
        with pytest.raises(OSError, match=r"reset|pipe|abort"):
            while time.monotonic() < end:
                deaf.sendall(masked(draws))
                time.sleep(0.05)
    assert_still_served(other)


def test_when_too_many_are_connected_the_next_is_told_to_come_later(live, monkeypatch):  # noqa: F811
    first = live()
    first.recv(timeout=10)
    monkeypatch.setattr(connection_limits, "MAX_CONNECTIONS", 1)
    code, reason = closed_with(live())
    assert code == 4429 and "too many" in reason
    assert_still_served(first)


def test_a_storm_of_connections_waits_at_the_door(live, monkeypatch):  # noqa: F811
    monkeypatch.setattr(connection_limits, "PER_SECOND", 20.0)
    monkeypatch.setattr(connection_limits, "BURST", 2)
    started = time.monotonic()
    for _ in range(8):
        live().recv(timeout=10)
    assert time.monotonic() - started > 0.2
    monkeypatch.setattr(connection_limits, "LONGEST_WAIT", -1.0)
    with pytest.raises(InvalidStatus) as refusal:
        live()
    assert refusal.value.response.status_code == 403


@pytest.mark.parametrize("origin", ["http://[", "http://a:99999999", "x" * 4000])
def test_a_broken_origin_is_refused_without_a_traceback(live, origin, caplog):  # noqa: F811
    with pytest.raises(InvalidStatus) as refusal:
        live(origin=origin)
    assert refusal.value.response.status_code == 403
    assert "Traceback" not in caplog.text and not caplog.records


def test_the_verdict_about_a_foreign_origin_is_looked_for_once(live, monkeypatch):  # noqa: F811
    origin_check._verdicts.clear()
    asked = []
    allowed = lambda origin, host: asked.append(origin) or origin is None  # noqa: E731
    monkeypatch.setattr(origin_check.streamlit_internals, "origin_allowed", allowed)
    for _ in range(3):
        with pytest.raises(InvalidStatus):
            live(origin="https://evil.example")
    assert [origin for origin in asked if origin] == ["https://evil.example"]
    origin_check._verdicts.clear()


def test_many_large_pictures_are_averaged_down_until_they_fit_one_reply():
    assert live_queries.fitting_side((28, 28, 1), 512) == 28
    assert live_queries.fitting_side((64, 64, 3), 341) == 64
    for count in (1, 100, 240, 512):
        side = live_queries.fitting_side((256, 256, 3), count)
        assert count * side * side * 3 <= live_queries.MAX_ANSWER
        assert side == 256 or count * (side + 2) ** 2 * 3 > live_queries.MAX_ANSWER


def test_a_density_of_the_largest_latent_size_fits_one_frame():
    assert MAX_FRAME >= 8 + 4 * 256 * 28 * 28


class FakeWire:
    """So many bytes unread; remembers that it was cut."""

    def __init__(self, unread):
        self.unread = unread
        self.is_cut = False

    def unsent(self):
        return self.unread

    def cut(self):
        self.is_cut = True


def after(seconds, wires, monkeypatch, *, reading=()):
    """Which of these are cut when nobody but `reading` reads for so long."""
    clock = [1000.0]
    monkeypatch.setattr(connection_limits.time, "monotonic", lambda: clock[0])

    async def main():
        room = connection_limits.OpenConnections()
        for wire in wires:
            room.join(wire)
        for _ in range(seconds + 1):
            clock[0] += 1
            for wire in reading:
                wire.unread -= 1
            room._look()
        room.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, main()).result(10)
    return [wire.is_cut for wire in wires]


def test_who_reads_slowly_is_kept_and_who_reads_nothing_is_cut_off(monkeypatch):
    slow, deaf, quick = FakeWire(1000), FakeWire(1000), FakeWire(0)
    assert after(15, [slow, deaf, quick], monkeypatch, reading=[slow]) == [False, False, False]
    assert after(25, [slow, deaf, quick], monkeypatch, reading=[slow]) == [False, True, False]


def test_where_much_is_unread_patience_is_short_and_the_greediest_go_at_once(monkeypatch):
    half = connection_limits.MAX_UNREAD // 2
    assert after(5, [FakeWire(half + 1), FakeWire(0)], monkeypatch) == [True, False]
    assert after(0, [FakeWire(2 * half), FakeWire(1000), FakeWire(half)], monkeypatch) == [True, False, False]

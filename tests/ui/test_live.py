"""The socket's protocol, against a real uvicorn as Streamlit starts it: what is answered, and how each broken rule ends."""

from __future__ import annotations

import contextlib
import logging
import os
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import uvicorn
from starlette.applications import Starlette
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.core import onnx_files
from tests.place_runs import place_run
from ui.server.live_connection import MAX_FRAME
from ui.server.live_route import live_route
from ui.shared import cached_models
from vae_core.foreign_decoders import trial, trial_process
from vae_core.images.pixels import to_jpeg
from vae_core.latent.foreign_model import ForeignModel
from vae_core.latent.latent_model import LatentModel
from vae_core.model_files.add_foreign_decoder import add_decoder
from vae_core.runs.snapshot_files import snapshot_path

REPLY = struct.Struct("<BBHIHH")


@pytest.fixture
def live():
    """Connects to a running live route: live(model, **options)."""
    config = uvicorn.Config(Starlette(routes=[live_route()]), port=0, log_level="error", ws="websockets-sansio", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with contextlib.ExitStack() as open_sockets:

        def open_socket(model="tiny", **options):
            return open_sockets.enter_context(connect(f"ws://127.0.0.1:{port}/live?model={model}", **options))

        open_socket.port = port
        yield open_socket
    server.should_exit = True
    thread.join(10)


def request(z, sequence=1, kind=1):
    return struct.pack("<B3xI", kind, sequence) + np.asarray(z, "<f4").tobytes()


def reply(frame):
    kind, channels, took, sequence, height, width = REPLY.unpack_from(frame)
    assert (kind, took > 0) in ((1, False), (10, True))
    return sequence, np.frombuffer(frame, np.uint8, offset=REPLY.size).reshape(height, width, channels)


def closed_with(socket):
    """(code, reason) the server closes the connection with."""
    with pytest.raises(ConnectionClosed) as closing:
        while True:
            socket.recv(timeout=10)
    return closing.value.rcvd.code, closing.value.rcvd.reason


def assert_still_served(socket):
    socket.send(request([0, 0, 0, 0], 77))
    assert reply(socket.recv(timeout=10))[0] == 77


@pytest.mark.usefixtures("tiny_checkpoint")
def test_the_first_frame_says_what_the_model_is_and_which_device_decodes(live):
    hello = live().recv(timeout=10)
    assert struct.unpack_from("<BBHHH", hello) == (2, 1, 4, 28, 28)
    assert hello[8:].decode().split(",")[0] == cached_models.model("tiny").device.split(",")[0]


@pytest.mark.usefixtures("tiny_checkpoint")
def test_a_reply_carries_the_sequence_number_and_the_decoders_pixels(live):
    socket = live()
    socket.recv(timeout=10)
    z = [0.5, -1.25, 2.0, 0.0]
    socket.send(request(z, 4_000_000_000))
    sequence, pixels = reply(socket.recv(timeout=10))
    assert sequence == 4_000_000_000
    np.testing.assert_array_equal(pixels, cached_models.model("tiny").decode([z])[0])


def test_noise_of_a_seed_is_the_same_for_all_that_ask_for_it_together(live, models_dir, make_model):
    make_model(models_dir / "noisy.safetensors", model={"likelihood": "gaussian-per-pixel"})
    points = np.random.default_rng(0).normal(size=(6, 4)).astype("<f4")
    seeds = (5, 5, 5, 2**32 - 1, 0, 5)
    socket = live("noisy")
    socket.recv(timeout=10)
    for sequence, (z, seed) in enumerate(zip(points, seeds, strict=True)):
        socket.send(struct.pack("<B3xII", 9, sequence, seed) + z.tobytes())
    model = cached_models.model("noisy")
    for z, seed in zip(points, seeds, strict=True):
        pixels = reply(socket.recv(timeout=10))[1]
        np.testing.assert_array_equal(pixels, model.draw([z], seed)[0])
        assert (pixels != model.decode([z])[0]).mean() > 0.1


@pytest.mark.usefixtures("tiny_checkpoint")
def test_requests_sent_without_waiting_are_answered_in_order(live):
    socket = live()
    socket.recv(timeout=10)
    for sequence in range(20):
        socket.send(request([sequence / 10, 0, 0, 0], sequence))
    assert [reply(socket.recv(timeout=10))[0] for _ in range(20)] == list(range(20))


@pytest.mark.usefixtures("tiny_checkpoint")
def test_of_moving_pictures_what_a_newer_request_has_overtaken_is_dropped_and_the_last_one_always_comes(live, monkeypatch):
    drawn, decode = [], LatentModel.decode

    def slow(model, z):
        drawn.append(float(z[0][0]))
        time.sleep(0.1)
        return decode(model, z)

    monkeypatch.setattr(LatentModel, "decode", slow)
    socket = live()
    socket.recv(timeout=10)
    for sequence in range(1, 21):
        socket.send(request([sequence / 10, 0, 0, 0], sequence, kind=10))
    answered = []
    while answered[-1:] != [20]:
        answered.append(reply(socket.recv(timeout=10))[0])
    assert answered == sorted(answered) and len(answered) < 10
    assert [round(10 * z) for z in drawn if z] == answered, "what was dropped cost nothing"


@pytest.mark.usefixtures("tiny_checkpoint")
def test_a_moving_picture_before_a_request_of_another_kind_is_answered(live):
    socket = live()
    socket.recv(timeout=10)
    for sequence, kind in enumerate((10, 1, 10, 3, 10), 1):
        socket.send(request([0.5, 0, 0, 0], sequence, kind))
    frames = [socket.recv(timeout=10) for _ in range(5)]
    assert [(frame[0], struct.unpack_from("<I", frame, 4)[0]) for frame in frames] == [(10, 1), (1, 2), (10, 3), (3, 4), (10, 5)]


@pytest.mark.usefixtures("tiny_checkpoint")
def test_an_overtaken_request_keeps_to_the_rules_too(live):
    socket = live()
    socket.recv(timeout=10)
    for sequence in range(8):
        z = [0, 0, 0] if sequence == 4 else [0, 0, 0, 0]
        socket.send(request(z, sequence, kind=10))
    assert closed_with(socket)[0] == 1007


def test_a_moving_picture_comes_as_a_jpeg_file_where_that_is_asked_for(live, models_dir, make_model):
    make_model(models_dir / "colours.safetensors", data="shapes", latent_dim=3)
    socket = live("colours")
    socket.recv(timeout=10)
    socket.send(request([0.5, 0, 0], 7, kind=11))
    frame = socket.recv(timeout=10)
    kind, channels, _, sequence, height, width = REPLY.unpack_from(frame)
    assert (kind, channels, sequence, height, width) == (11, 3, 7, 64, 64)
    assert frame[REPLY.size :] == to_jpeg(cached_models.model("colours").decode([[0.5, 0, 0]])[0])


@pytest.mark.usefixtures("tiny_checkpoint")
def test_everybody_gets_their_own_picture_however_many_ask_at_once(live, models_dir, make_model):
    make_model(models_dir / "other.safetensors", data="shapes", latent_dim=3, seed=5)
    generator = np.random.default_rng(0)
    people = [("tiny", 4), ("other", 3)] * 12

    def drag(person):
        model, latent_dim = person
        socket = live(model)
        socket.recv(timeout=20)
        points = generator.normal(size=(15, latent_dim)).astype("f4")
        pictures = []
        for sequence, z in enumerate(points):
            socket.send(request(z, sequence))
            answered, pixels = reply(socket.recv(timeout=20))
            assert answered == sequence
            pictures.append(pixels)
        return model, points, np.stack(pictures)

    with ThreadPoolExecutor(len(people)) as pool:
        for model, points, pictures in pool.map(drag, people):
            expected = cached_models.model(model).decode_float(points).transpose(0, 2, 3, 1) * 255
            # batches are decoded in bfloat16 where the hardware has it: a few grey levels, never another person's picture
            assert np.abs(pictures - expected).mean() < 3


def truncated_header(_):
    return b"\x01\x00"


BROKEN_FRAMES = {
    "empty": (lambda _: b"", 1007),
    "cut in its header": (truncated_header, 1007),
    "of an unknown kind": (lambda z: request(z, kind=12), 1007),
    "with a z too short": (lambda z: request(z[:3]), 1007),
    "with a z too long": (lambda z: request([*z, 0.0]), 1007),
    "cut within a number": (lambda z: request(z)[:-1], 1007),
    "with NaN": (lambda z: request([np.nan, *z[1:]]), 1007),
    "with infinity": (lambda z: request([*z[1:], -np.inf]), 1007),
    "too large": (lambda _: bytes(MAX_FRAME + 1), 1009),
    "of text": (lambda _: "0.1,0.2,0.3,0.4", 1003),
}


@pytest.mark.usefixtures("tiny_checkpoint")
@pytest.mark.parametrize("what", BROKEN_FRAMES)
def test_a_frame_that_breaks_a_rule_closes_its_connection_and_no_other(live, what):
    frame, code = BROKEN_FRAMES[what]
    other, socket = live(), live()
    other.recv(timeout=10)
    socket.recv(timeout=10)
    socket.send(frame([0.0, 0.0, 0.0, 0.0]))
    got, reason = closed_with(socket)
    assert got == code
    assert reason
    assert_still_served(other)


@pytest.mark.usefixtures("tiny_checkpoint")
@pytest.mark.parametrize("name", ["nobody", "", "../tiny", "%00", "x" * 5000])
def test_an_unknown_model_is_refused_with_a_reason(live, name):
    code, reason = closed_with(live(name))
    assert code == 4404
    assert "no model named" in reason


def test_a_broken_model_file_is_refused_with_a_reason(live, models_dir):
    (models_dir / "broken.safetensors").write_bytes(b"not a model")
    code, reason = closed_with(live("broken"))
    assert code == 4404
    assert "broken.safetensors" in reason


@pytest.mark.usefixtures("tiny_checkpoint")
@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1.evil.example", "null"])
def test_a_foreign_origin_gets_403_before_the_socket_opens(live, origin):
    with pytest.raises(InvalidStatus) as refusal:
        live(origin=origin)
    assert refusal.value.response.status_code == 403


@pytest.mark.usefixtures("tiny_checkpoint")
def test_the_pages_own_origin_and_clients_without_one_are_let_in(live):
    for origin in (f"http://127.0.0.1:{live.port}", None):
        socket = live(origin=origin)
        socket.recv(timeout=10)
        assert_still_served(socket)


def asked_until_closed(socket):
    """(code, reason) with which the server ends the asking; it looks at a model's file twice a second."""
    with pytest.raises(ConnectionClosed) as closing:
        while True:
            socket.send(request([0, 0, 0, 0]))
            socket.recv(timeout=10)
    return closing.value.rcvd.code, closing.value.rcvd.reason


def asked_until_different(socket, z, before):
    """The first picture of z that is not the one before."""
    after, deadline = before, time.monotonic() + 20
    while (after == before).all():
        assert time.monotonic() < deadline, "the picture stays what it was"
        socket.send(request(z))
        after = reply(socket.recv(timeout=10))[1]
    return after


def test_a_model_deleted_while_open_closes_with_a_reason(live, tiny_checkpoint):
    socket = live()
    socket.recv(timeout=10)
    assert_still_served(socket)
    tiny_checkpoint.unlink()
    code, reason = asked_until_closed(socket)
    assert code == 4404
    assert "deleted" in reason


def test_a_model_replaced_while_open_answers_with_the_new_weights(live, tiny_checkpoint, make_model):
    socket = live()
    socket.recv(timeout=10)
    socket.send(request([1, 1, 1, 1]))
    before = reply(socket.recv(timeout=10))[1]
    make_model(tiny_checkpoint, seed=9)
    after = asked_until_different(socket, [1, 1, 1, 1], before)
    np.testing.assert_array_equal(after, cached_models.model("tiny").decode([[1, 1, 1, 1]])[0])


def test_a_model_replaced_by_another_size_asks_to_connect_again(live, tiny_checkpoint, make_model):
    socket = live()
    socket.recv(timeout=10)
    assert_still_served(socket)
    make_model(tiny_checkpoint, latent_dim=6)
    assert asked_until_closed(socket)[0] == 4409
    assert struct.unpack_from("<BBHHH", live().recv(timeout=10))[2] == 6


@pytest.mark.usefixtures("tiny_checkpoint")
def test_a_decoder_that_fails_closes_with_1011_and_serves_the_next_request(live, monkeypatch, caplog):
    socket, other = live(), live()
    socket.recv(timeout=10)
    other.recv(timeout=10)
    with monkeypatch.context() as patch, caplog.at_level(logging.CRITICAL, "latent_walk"):
        patch.setattr(type(cached_models.model("tiny")), "decode", lambda *_: 1 / 0)
        socket.send(request([0, 0, 0, 0]))
        assert closed_with(socket)[0] == 1011
    assert_still_served(other)


@pytest.mark.usefixtures("tiny_checkpoint")
def test_a_client_that_vanishes_in_the_middle_disturbs_nobody(live):
    socket, other = live(), live()
    socket.recv(timeout=10)
    other.recv(timeout=10)
    for _ in range(50):
        socket.send(request([0, 0, 0, 0]))
    os.close(os.dup(socket.socket.fileno()))
    socket.socket.close()
    assert_still_served(other)


@pytest.fixture
def trained(models_dir, make_model, tmp_path):
    """A run's model with a snapshot at step 4."""
    run_dir = place_run("trained", checkpoint=make_model(tmp_path / "best.safetensors", seed=9))
    (run_dir / "snapshots").mkdir()
    snapshot_path(run_dir, 4).write_bytes(make_model(tmp_path / "s.safetensors", seed=4).read_bytes())


@pytest.mark.usefixtures("trained")
def test_a_request_can_name_a_step_of_the_training(live):
    z = [0.5, -1.25, 2.0, 0.0]
    socket = live("trained")
    socket.recv(timeout=10)
    drawn = []
    for step in (None, 4, None):
        socket.send(struct.pack("<II", 1 | (0 if step is None else step + 1) << 8, 7) + np.asarray(z, "<f4").tobytes())
        drawn.append(reply(socket.recv(timeout=10))[1])
    entry = cached_models.entry("trained")
    np.testing.assert_array_equal(drawn[0], cached_models.model("trained").decode([z])[0])
    np.testing.assert_array_equal(drawn[1], cached_models.open_entry(cached_models.at_step(entry, 4)).decode([z])[0])
    np.testing.assert_array_equal(drawn[2], drawn[0])
    past = live("trained&step=4")
    past.recv(timeout=10)
    past.send(request(z))
    np.testing.assert_array_equal(reply(past.recv(timeout=10))[1], drawn[1])


@pytest.mark.usefixtures("trained")
def test_a_step_that_was_not_kept_is_refused(live):
    socket = live("trained")
    socket.recv(timeout=10)
    socket.send(struct.pack("<II", 1 | 6 << 8, 7) + bytes(16))
    assert closed_with(socket) == (1007, "There is no snapshot of 'trained' at step 5; the run may have been deleted.")
    assert closed_with(live("trained&step=5"))[0] == 4404
    assert closed_with(live("trained&step=-1")) == (4404, "step must be a whole number of at most 8 digits; got '-1'.")


def test_a_slow_imported_decoder_keeps_nobody_else_waiting(live, tiny_checkpoint, monkeypatch):
    monkeypatch.setattr(trial_process, "_limit", lambda: None)  # a trial without a process
    monkeypatch.setattr(trial, "_run", trial_process.main)
    add_decoder(trial.try_out(onnx_files.logits()), "slow")
    slow, quick = live("slow"), live("tiny")
    slow.recv(timeout=60), quick.recv(timeout=60)
    released = threading.Event()
    monkeypatch.setattr(ForeignModel, "decode", lambda self, z: released.wait(60) and np.zeros((len(z), 16, 16, 1), np.uint8))
    slow.send(request(np.zeros(4)))
    quick.send(request(np.zeros(4), sequence=7))
    assert reply(quick.recv(timeout=30))[0] == 7  # while the other one is still being decoded
    released.set()
    assert reply(slow.recv(timeout=60))[1].shape == (16, 16, 1)

"""How a model came about: its snapshots over HTTP and over the socket, as files, and what is refused."""

from __future__ import annotations

import asyncio
import fcntl
import io
import os
import shutil
import struct
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from starlette.applications import Starlette

from tests.place_runs import place_run
from ui.server import live_queries
from ui.server.export_route import export_route
from ui.server.live_connection import LiveModel, read_request
from ui.server.live_queries import TRAINING, BadQueryError
from ui.server.training_route import training_routes
from ui.shared import cached_models
from vae_core.errors import CheckpointError
from vae_core.model_files import checkpoints
from vae_core.runs import snapshot_files, write_status
from vae_core.runs.snapshot_files import LIVE, snapshot_path

STEPS = (0, 4, 16)
Z = np.array([0.5, -1.0, 0.25, 0.0], dtype="<f4")


@pytest.fixture
def trained(models_dir, make_model, tmp_path):
    """A finished run with snapshots that draw different pictures."""
    checkpoint = make_model(tmp_path / "best.safetensors", seed=9)
    run_dir = place_run("trained", checkpoint=checkpoint)
    (run_dir / "snapshots").mkdir()
    for step in STEPS:
        snapshot_path(run_dir, step).write_bytes(make_model(tmp_path / "s.safetensors", seed=step, points=20).read_bytes())
    return run_dir


@pytest.fixture
def fetch(trained):
    transport = httpx.ASGITransport(Starlette(routes=[*training_routes(), export_route()]))

    async def ask(method, path, body, query):
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return await client.request(method, path, params={"model": "trained", **query}, content=body)

    with ThreadPoolExecutor(1) as pool:
        yield lambda path, body=None, **query: pool.submit(
            asyncio.run, ask("POST" if body else "GET", path, body, query)
        ).result()


def at(step):
    return cached_models.decoder(cached_models.at_step(cached_models.entry("trained"), step))


def test_the_state_of_a_training_lists_its_snapshots(fetch, trained):
    state = fetch("/training").json()
    assert [one["step"] for one in state["snapshots"]] == list(STEPS) and not state["live"]
    assert state["snapshots"][0]["quality"].startswith("ELBO −")
    assert state["version"] == str((trained / "best.safetensors").stat().st_mtime_ns)


def test_a_run_that_goes_on_shows_its_newest_weights_and_then_its_best(fetch, trained, make_model, tmp_path):
    write_status(trained, state="running")
    lock = os.open(trained / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    (trained / LIVE).write_bytes(make_model(tmp_path / "l.safetensors", seed=21).read_bytes())
    first = fetch("/training").json()
    entry = cached_models.entry("trained")
    live = LiveModel(entry)
    before = live.current().decode([Z])
    assert first["live"] and entry.path.name == LIVE
    (trained / LIVE).write_bytes(make_model(tmp_path / "l.safetensors", seed=22).read_bytes())
    os.utime(trained / LIVE, ns=(1, entry.mtime_ns + 5))
    assert fetch("/training").json()["version"] != first["version"]
    assert (live.current().decode([Z]) != before).any(), "who was told of newer weights is answered with them"
    (trained / LIVE).unlink()
    write_status(trained, state="done")
    os.close(lock)
    assert not fetch("/training").json()["live"]
    live._checked = 0.0  # half a second later
    np.testing.assert_array_equal(live.current().decode([Z]), cached_models.model("trained").decode([Z]))


def test_a_model_without_a_run_has_no_past(fetch, tiny_checkpoint):
    assert fetch("/training", model="tiny").json()["snapshots"] == []
    assert fetch("/training", model="nobody").status_code == 404
    with pytest.raises(CheckpointError, match="no snapshot"):
        cached_models.at_step(cached_models.entry("tiny"), 0)


def test_of_a_network_too_large_for_snapshots_it_is_said_why_there_are_none(fetch, trained, monkeypatch):
    assert fetch("/training").json()["none"] == []
    shutil.rmtree(trained / "snapshots")
    assert fetch("/training").json()["none"] == [], "these were only deleted"
    weights = sum(weight.numel() for weight in checkpoints.load(trained / "best.safetensors").model.state_dict().values())
    monkeypatch.setattr(snapshot_files, "MOST_BYTES", 8 * weights - 1)
    words, more = fetch("/training").json()["none"]
    assert "no snapshots of this training" in words and "at least 4 fit into" in more


def test_the_codes_of_all_snapshots_come_at_once(fetch):
    body = fetch("/training/codes", after=-1).content
    count, images, size = struct.unpack_from("<III", body)
    assert (count, images, size) == (3, 20, 4) and struct.unpack_from("<3I", body, 12) == STEPS
    means = np.frombuffer(body, "<f4", count * images * size, 24).reshape(count, images, size)
    np.testing.assert_array_equal(means[1], at(4).test_means)
    assert np.frombuffer(body, "<u2", 20, len(body) - 40).tolist() == [i % 10 for i in range(20)]
    newer = fetch("/training/codes", after=4).content
    assert struct.unpack_from("<IIII", newer) == (1, 20, 4, 16)
    assert fetch("/training/codes", after="x").status_code == 400


def test_a_training_is_exported_like_a_path(fetch):
    answer = fetch("/export", Z.tobytes(), what="npz", through="training")
    with np.load(io.BytesIO(answer.content)) as found:
        wanted = [at(step).decode([Z])[0] for step in STEPS] + [cached_models.model("trained").decode([Z])[0]]
        np.testing.assert_array_equal(found["pictures"], wanted)
    assert fetch("/export", Z.tobytes(), what="gif", through="training").content[:3] == b"GIF"
    assert "One z" in fetch("/export", np.tile(Z, 2).tobytes(), what="gif", through="training").text
    assert fetch("/export", Z.tobytes(), what="gif", through="walls").status_code == 400


def test_a_training_without_snapshots_cannot_be_exported(fetch, tiny_checkpoint):
    answer = fetch("/export", Z.tobytes(), what="gif", through="training", model="tiny")
    assert answer.status_code == 400 and "no snapshots" in answer.text


def question(steps, z=Z, side=0, sequence=7):
    head = struct.pack("<BxHII", TRAINING, side, sequence, len(steps)) + np.asarray(steps, "<u4").tobytes()
    return head + np.asarray(z, "<f4").tobytes()


def test_one_z_is_drawn_by_several_steps(trained):
    live = LiveModel(cached_models.entry("trained"))
    reply = live_queries.answer_training(live.snapshot, 4, question([16, 0]))
    assert struct.unpack_from("<BBHIHH", reply) == (TRAINING, 1, 2, 7, 28, 28)
    pixels = np.frombuffer(reply, np.uint8, offset=12).reshape(2, 28, 28, 1)
    np.testing.assert_array_equal(pixels[1], at(0).decode_small([Z], 28)[0])
    assert (pixels[0] != pixels[1]).any()


@pytest.mark.parametrize(
    "frame",
    [question([]), question([0] * 65), question([0])[:-1], question([0], [np.nan] * 4), question([5]), question([2**32 - 1])],
)
def test_what_cannot_be_answered_is_refused(trained, frame):
    live = LiveModel(cached_models.entry("trained"))
    with pytest.raises(BadQueryError):
        live_queries.answer_training(live.snapshot, 4, frame)


def test_a_request_names_the_step_in_what_used_to_be_zero():
    z = Z.tobytes()
    assert read_request(struct.pack("<B3xI", 1, 9) + z, 4) == (9, None, None, z)
    assert read_request(struct.pack("<B3xII", 9, 9, 77) + z, 4) == (9, None, 77, z)
    for step in (0, 4, 2**24 - 2):
        frame = struct.pack("<I", 1 | (step + 1) << 8) + struct.pack("<I", 9) + z
        assert read_request(frame, 4) == (9, step, None, z)


def test_however_many_snapshots_are_visited_no_model_is_put_away_for_them(trained, tiny_checkpoint, make_model, tmp_path):
    kept = cached_models.model("tiny")
    for step in range(100, 100 + cached_models.MAX_MODELS + 2):
        snapshot_path(trained, step).write_bytes(tiny_checkpoint.read_bytes())
        entry = cached_models.at_step(cached_models.entry("trained"), step)
        cached_models.open_entry(entry)
        cached_models.decoder(entry)
    assert cached_models.opened(cached_models.entry("tiny")) is kept
    assert len(cached_models._snapshots._values) == cached_models.MAX_SNAPSHOTS
    assert len(cached_models._decoders._values) <= cached_models.MAX_DECODERS

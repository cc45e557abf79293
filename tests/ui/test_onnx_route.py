"""The routes that hand out decoders, encoders and what runs them in a browser."""

import asyncio
import fcntl
import gzip
import hashlib
import json
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import onnx
import pytest
from starlette.applications import Starlette

from tests.place_runs import place_run
from ui.server import onnx_route
from ui.shared import cached_models
from vae_core.model_files import checkpoints
from vae_core.onnx_export import onnx_files

MANIFEST = json.loads((onnx_route.FOLDER / "hashes.json").read_text())


@pytest.fixture
def get(models_dir):
    """get(address, headers): the answer of the routes."""
    transport = httpx.ASGITransport(Starlette(routes=onnx_route.onnx_routes("/base")))

    async def fetch(address, headers):
        async with httpx.AsyncClient(transport=transport, base_url="http://app/base/") as client:
            return await client.get(address, headers=headers)

    with ThreadPoolExecutor(1) as pool:
        yield lambda address, headers=None: pool.submit(asyncio.run, fetch(address, headers)).result()


def awaited(get, address):
    while (answer := get(address)).status_code == 202:
        assert "being written" in answer.text and int(answer.headers["retry-after"]) >= 1
        assert answer.headers["cache-control"] == "no-store"
        time.sleep(0.2)
    return answer


def test_a_decoder_is_made_while_the_browser_waits_and_kept_under_its_version(get, tiny_checkpoint):
    address = onnx_route.address(cached_models.entry("tiny"))
    assert get(address).status_code == 202
    answer = awaited(get, address)
    assert answer.status_code == 200 and answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"] and answer.headers["x-content-type-options"] == "nosniff"
    onnx.checker.check_model(onnx.load_from_string(answer.content))
    plain = get(address, {"Accept-Encoding": "identity"})
    assert plain.content == answer.content and "content-encoding" not in plain.headers
    assert get("onnx/decoder?model=tiny&v=older").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("part", ["decoder", "encoder"])
def test_a_child_that_fails_is_told_in_a_sentence(get, tiny_checkpoint, monkeypatch, part):
    monkeypatch.setattr(onnx_files, "WORKER", "no.such.module")
    answer = awaited(get, f"onnx/{part}?model=tiny")
    assert answer.status_code == 404 and "could not be written as ONNX" in answer.text and "Traceback" not in answer.text


def test_what_is_not_there_is_answered_in_words(get, tiny_checkpoint, make_model, models_dir):
    alone = checkpoints.decoder_alone(checkpoints.load(tiny_checkpoint))
    checkpoints.save(models_dir / "alone.safetensors", alone.model, alone.header, alone.extras)
    for address, status, words in (
        ("onnx/encoder?model=alone", 404, "decoder alone"),
        ("onnx/decoder?model=nobody", 404, "no model named"),
        ("onnx/decoder?model=tiny&weights=int4", 400, "weights must be"),
        ("onnxruntime/0.1/ort.wasm.bundle.min.mjs", 404, "There is no such file"),
        (f"onnxruntime/{MANIFEST['version']}/hashes.json", 404, "There is no such file"),
        (f"onnxruntime/{MANIFEST['version']}/..%2f..%2fmain.py", 404, ""),
    ):
        answer = get(address)
        assert answer.status_code == status and words in answer.text, address


def test_a_model_in_training_is_not_exported(get, tiny_checkpoint):
    run = place_run("20250101-young", checkpoint=tiny_checkpoint)
    with (run / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = get("onnx/decoder?model=20250101-young")
        assert answer.status_code == 404 and "in training" in answer.text
    assert get("onnx/decoder?model=20250101-young").status_code == 202


def test_a_page_of_another_site_gets_nothing(get, tiny_checkpoint):
    foreign = {"Origin": "http://elsewhere.example"}
    assert get("onnx/decoder?model=tiny", foreign).status_code == 403
    assert get(f"{onnx_route.runtime_address()}ort-wasm-simd-threaded.wasm", foreign).status_code == 403


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ort.wasm.bundle.min.mjs", "text/javascript"),
        ("ort-wasm-simd-threaded.wasm", "application/wasm"),
        ("ort-wasm-simd-threaded.asyncify.wasm", "application/wasm"),
    ],
)
def test_the_runtime_comes_packed_for_good_and_as_what_it_is(get, name, kind):
    answer = get(f"{onnx_route.runtime_address()}{name}")
    assert answer.status_code == 200 and answer.headers["content-type"].split(";")[0] == kind
    assert answer.headers["content-encoding"] == "gzip" and "immutable" in answer.headers["cache-control"]
    assert int(answer.headers["content-length"]) < (4 if "asyncify" not in name else 7) << 20
    assert hashlib.sha256(answer.content).hexdigest() == MANIFEST["files"][name]["sha256"]
    assert gzip.decompress((onnx_route.FOLDER / f"{name}.gz").read_bytes()) == answer.content

"""Each shipped model, damaged in 334 ways: refused with a sentence, or as sound as a model has to be. Never anything else."""

import copy
import json
import random
import struct

import pytest
import torch

from vae_core.errors import CheckpointError
from vae_core.model_files import checkpoints
from vae_core.model_files.header import METADATA_KEY
from vae_core.model_files.model_list import checkpoints_root

SHIPPED = sorted(checkpoints_root().glob("*.safetensors"))
LARGE, SMALL = 2**63, -1
WRONG = [None, True, "x", "", [], {}, SMALL, LARGE, 10**400, 1e308, float("nan"), [[]], ["x"] * 3, {"a": [0]}]


def split(data):
    """(the header as a dict, the bytes of the tensors)"""
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def joined(header):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text


def places(value, path=()):
    """The path to everything within a JSON value."""
    if path:
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


def changed(value, path, new):
    value = copy.deepcopy(value)
    at = value
    for key in path[:-1]:
        at = at[key]
    if new is REMOVED:
        del at[path[-1]]
    else:
        at[path[-1]] = new
    return value


REMOVED = object()


def mutations(data):
    """334 damaged files, the same each time, as (bytes, how many zeros follow): where the header is damaged, zeros will do."""
    rng = random.Random(334)
    header, body = split(data)
    for _ in range(100):  # the description of the model
        described = json.loads(header["__metadata__"][METADATA_KEY])
        path = rng.choice([path for path in places(described) if "quantiles" not in path or len(path) < 4])
        described = changed(described, path, rng.choice([REMOVED, *WRONG]))
        yield joined(header | {"__metadata__": {METADATA_KEY: json.dumps(described)}}), len(body)
    tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
    for _ in range(100):  # where which tensor lies
        path = rng.choice(list(places(tensors)))
        new = rng.choice([REMOVED, *WRONG, rng.randrange(10**6), "F16", "F64", "I64"])
        yield joined({"__metadata__": header["__metadata__"]} | changed(tensors, path, new)), len(body)
    for _ in range(60):  # a few bytes anywhere in the header or its length
        hurt = bytearray(data[: len(data) - len(body)])
        for position in [rng.randrange(len(data) - len(body)) for _ in range(rng.choice([1, 4]))]:
            hurt[position] = rng.randrange(256)
        yield bytes(hurt), len(body)
    for _ in range(40):  # cut short, longer, or with a piece missing
        at = rng.randrange(len(data))
        yield rng.choice([(data[:at], 0), (data, rng.randrange(1, 99)), (data[:at], len(data) - at - 8)])
    for _ in range(20):  # many bytes of the tensors
        hurt = bytearray(data)
        for _ in range(200):
            hurt[rng.randrange(len(data) - len(body), len(data))] = rng.randrange(256)
        yield bytes(hurt), 0
    for length in (0, 1, 7, 8, LARGE, 2**64 - 1, 10**6, 10**6 + 1, len(data), len(data) - 8, len(data) - 7, 2, 100, 4096):
        yield struct.pack("<Q", length) + data[8 : len(data) - len(body)], len(body)


@pytest.fixture(autouse=True)
def one_thread():
    """Several threads for so little work each would wait for each other most of the time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@torch.inference_mode()
def is_sound(checkpoint):
    """It draws: the right shape, finite, for a code and for the picture of one."""
    config = checkpoint.header.config.model
    mean = checkpoint.model.decode(torch.zeros(1, config.latent_dim)).mean
    mu = checkpoint.model.encode(mean).mu
    return mean.shape == (1, *config.image_shape) and mu.shape == (1, config.latent_dim) and bool(torch.isfinite(mean).all())


@pytest.mark.parametrize("model", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_a_damaged_model_is_refused_with_a_sentence_or_sound(model, tmp_path):
    data, path = model.read_bytes(), tmp_path / "damaged.safetensors"
    refused = sound = 0
    for damaged, zeros in mutations(data):
        with path.open("wb") as file:
            file.write(damaged)
            file.truncate(len(damaged) + max(0, zeros))
        try:
            checkpoint = checkpoints.load(path)
        except CheckpointError as error:
            assert str(error).endswith(".") and len(str(error)) < 2000, error
            refused += 1
        else:
            sound += is_sound(checkpoint)
    assert refused + sound == 334 and refused > 200 and sound > 0

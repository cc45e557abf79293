"""Runs that are killed go on to the same bits: real processes, kill -9 at random instants, some of them during a write."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from vae_core.model_files import checkpoints
from vae_core.runs.metrics_log import read_since
from vae_core.training import loop

ROOT = Path(__file__).parents[2]
OF_TIME = ("time", "images_per_second", "seconds_to_load")
TINY = {
    "data": {"name": "shapes", "validation": 100}, "model": {"architecture": "mlp", "latent_dim": 3, "hidden": [8]},
    "epochs": 6, "batch_size": 16, "precision": "float32", "device": "cpu",
}  # fmt: skip
OBJECTIVES = {
    "beta-elbo": {"objective": {"kind": "beta-elbo", "beta": 2, "warmup_epochs": 3}},
    "factor-vae": {"objective": {"kind": "factor-vae", "discriminator_width": 8}},
    "iwae": {"objective": {"kind": "iwae", "samples": 2}, "binarize": True},
}


def train_with(folder, config, kills):
    """Trains without and with these interruptions; with which signal each child ended."""
    argv = [sys.executable, "-m", "tests.core.resume_probe", str(folder), json.dumps({"config": config, "kills": kills})]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    return [json.loads(line)["signal"] for line in done.stdout.splitlines()]


def numbers(folder):
    """Every row without what a clock says."""
    rows = read_since(folder / loop.METRICS)[0]
    return [{name: value for name, value in row.items() if name not in OF_TIME} for row in rows]


def same_bits(one, other):
    assert numbers(one) == numbers(other)
    mine, yours = (checkpoints.load(folder / loop.CHECKPOINT) for folder in (one, other))
    for name, tensor in mine.model.state_dict().items():
        assert torch.equal(tensor, yours.model.state_dict()[name]), name
    assert mine.extras.keys() == yours.extras.keys()
    assert all(torch.equal(tensor, yours.extras[name]) for name, tensor in mine.extras.items())
    times = {"created": "", "seconds": 0.0}
    assert mine.header.model_copy(update=times) == yours.header.model_copy(update=times | {"name": mine.header.name})


@pytest.mark.parametrize(("kind", "instants"), [("beta-elbo", 22), ("factor-vae", 4), ("iwae", 4)])
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bits(tmp_path, kind, instants):
    config, chance = TINY | OBJECTIVES[kind] | {"epochs": 24 if instants > 10 else 8}, random.Random()
    during_writes = ["torn", "written"] * max(1, instants // 6)
    kills = [*during_writes, *(round(chance.uniform(0.02, 0.35), 4) for _ in range(instants - len(during_writes)))]
    chance.shuffle(kills)
    signals = train_with(tmp_path, config, kills)
    assert signals[0] == signals[-1] == 0 and signals.count(9) >= instants // 2, (signals, kills)
    assert [row["kind"] for row in numbers(tmp_path / "whole")][-1] == "end"
    same_bits(tmp_path / "whole", tmp_path / "killed")

"""How long a run will take on this machine: as long as earlier ones took by the clock, else what a few real steps promise.

A rate counts for its own model and batch size; for another one of the same kind it is scaled by the number of
multiplications. Imports torch only to count parameters and to measure; the measurement has a process of its own.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, PositiveInt, TypeAdapter, ValidationError

from vae_core import runs
from vae_core.config.schema import ModelConfig, TrainConfig
from vae_core.data.catalog import dataset_info, find_dataset
from vae_core.runs.json_files import read_json, write_json
from vae_core.runs.metrics_log import read_tail
from vae_core.system.child_processes import environment
from vae_core.training import worker_process

START_SECONDS = 5.0  # importing torch, reading or drawing the images, writing the last checkpoint
EVALUATION = 1 / 3  # cost of evaluating an image, in training steps for one image: no backward pass
WARM_UP_STEPS, MEASURE_SECONDS = 2, 1.5
WAIT = 120.0  # seconds for the process that measures
NEAR = 4.0  # rates are scaled across networks at most this many times larger or smaller
FILE = "speed.json"  # in the runs' folder
LAST = 3  # runs that an estimate rests on: the machine may have been busier before


@dataclass(frozen=True)
class Size:
    """Of a model: parameters, and multiplications for one image forward."""

    parameters: int
    multiplications: int


@dataclass(frozen=True)
class Rate:
    """Images per second of one model at one batch size, validation and all else included."""

    key: str  # of the exact model and batch size
    kind: str  # rates of one kind may be scaled into each other
    multiplications: PositiveInt
    images_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    source: str  # "the run mnist-10d", or "a short measurement"


_RATES = TypeAdapter(list[Rate])


@dataclass(frozen=True)
class Estimate:
    """Of a whole run, from the fastest to the slowest of what it rests on; `seconds` lies between."""

    seconds: float
    fastest: float
    slowest: float
    images_per_second: float
    source: str  # what it rests on
    scaled: bool  # whether that was another model
    alone: bool  # whether it holds only while nothing else keeps the machine busy


def size(model: ModelConfig) -> Size:
    """Parameters and multiplications, counted on the real network without giving it memory."""
    return _size(model.model_dump_json())


def estimate(config: TrainConfig) -> Estimate | None:
    """The time a run will take; None when nothing comparable has been measured on this machine."""
    cost = size(config.model).multiplications
    ran, measured = list(_rates_of_runs(config)), _measured()
    for known in (ran, measured):
        if exact := [rate for rate in known if rate.key == _key(config)]:
            return _estimate(config, exact[:LAST], 1.0, alone=known is measured)
    for known in (ran, measured):
        kin = [rate for rate in known if rate.kind == _kind(config) and 1 / NEAR < rate.multiplications / cost < NEAR]
        if kin:
            nearest = min(kin, key=lambda rate: max(rate.multiplications / cost, cost / rate.multiplications))
            alike = [rate for rate in kin if rate.key == nearest.key]
            return _estimate(config, alike[:LAST], nearest.multiplications / cost, alone=known is measured)
    return None


def measure(config: TrainConfig) -> None:
    """Runs a few real training steps in a process of its own (some seconds) and remembers their rate.

    Raises:
        RuntimeError: the steps could not be run.
    """
    code, given = [sys.executable, "-m", "vae_core.training.time_estimate"], config.model_dump_json()
    try:
        done = subprocess.run(code, input=given, capture_output=True, text=True, env=environment(), timeout=WAIT)
        rate = float(done.stdout or "nan")
        if not rate > 0:
            raise ValueError((done.stderr.splitlines() or ["no figure came back"])[-1])
    except subprocess.TimeoutExpired:
        raise RuntimeError("no answer within two minutes") from None
    except (OSError, ValueError) as error:
        raise RuntimeError(str(error)) from None
    found = Rate(_key(config), _kind(config), size(config.model).multiplications, rate, "a short measurement")
    path = runs.runs_root() / FILE
    write_json(path, {"machine": _machine(), "rates": [asdict(rate) for rate in [found, *_remembered(path)][:100]]})


def images_per_epoch(config: TrainConfig) -> float:
    """Images of one epoch, those of the validation by what they cost."""
    info = dataset_info(config.data.name)
    validation = info.held_out(config.data.validation)
    training = min(info.training_images - validation, config.data.limit or info.training_images)
    return training + EVALUATION * validation


def _estimate(config: TrainConfig, rates: list[Rate], scale: float, *, alone: bool) -> Estimate:
    images = config.epochs * images_per_epoch(config) + EVALUATION * dataset_info(config.data.name).test_images
    speeds = sorted(rate.images_per_second * scale for rate in rates)
    middle, slowest, fastest = (START_SECONDS + images / speed for speed in (statistics.median(speeds), speeds[0], speeds[-1]))
    source = rates[0].source if len(rates) == 1 else f"the last {len(rates)} runs like it"
    return Estimate(middle, fastest, slowest, statistics.median(speeds), source, scale != 1.0, alone)


def _rates_of_runs(config: TrainConfig) -> Iterator[Rate]:
    """The rates of the newest runs of the same kind, by the clock; those still in the queue have none."""
    kin = [run for run in runs.list_runs() if run.config is not None and _kind(run.config) == _kind(config)]
    for run in kin[:20]:
        rate = _pace(run)
        if run.config is not None and rate is not None:
            yield Rate(_key(run.config), _kind(run.config), size(run.config.model).multiplications, rate, f"the run {run.name}")


def _pace(run: runs.RunStatus) -> float | None:
    """Images per second by the clock, over what the end of the run's numbers tells; None when that is too little."""
    rows = [row for row in read_tail(run.path / "metrics.jsonl") if row.get("kind") != "start"]
    timed = [(row["time"], row["epoch"]) for row in rows if row.get("time") is not None and row.get("epoch") is not None]
    info = find_dataset(run.config.data.name) if run.config is not None else None
    if run.config is None or info is None or len(timed) < 4:
        return None
    seconds, epochs = timed[-1][0] - timed[0][0], timed[-1][1] - timed[0][1]
    test = EVALUATION * info.test_images if rows[-1].get("kind") == "end" else 0.0
    return (epochs * images_per_epoch(run.config) + test) / seconds if seconds > 0 and epochs > 0 else None


def _measured() -> list[Rate]:
    return _remembered(runs.runs_root() / FILE)


def _remembered(path: Path) -> list[Rate]:
    """What was measured here; a file that is damaged or came from another machine counts for nothing."""
    known = read_json(path)
    try:
        return _RATES.validate_python(known.get("rates", [])) if known.get("machine") == _machine() else []
    except ValidationError:
        return []


def _machine() -> str:
    return f"{platform.node()} {platform.machine()} {os.cpu_count()}"


def _kind(config: TrainConfig) -> str:
    return f"{config.model.architecture} {config.objective.cost} {config.precision} {config.device}"


def _key(config: TrainConfig) -> str:
    return json.dumps([config.model.model_dump(), config.batch_size, config.objective.cost, config.precision, config.device])


@lru_cache(maxsize=256)
def _size(model_json: str) -> Size:
    import torch  # torch's own counter would bring its compiler, seconds of imports; the layers that multiply are few
    from torch import Tensor, nn

    from vae_core.model.vae import VAE

    total = 0

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        assert isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d))
        # Each weight is used once for a vector; at every place of the output (of the input, where it grows) for an image.
        image = inputs[0] if isinstance(layer, nn.ConvTranspose2d) else output
        total += layer.weight.numel() * (1 if isinstance(layer, nn.Linear) else image[0, 0].numel())

    config = ModelConfig.model_validate_json(model_json)
    with torch.device("meta"), torch.no_grad():
        model = VAE(config)
        for layer in model.modules():
            if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
                layer.register_forward_hook(count)
        model.decode(model.encode(torch.empty(1, *config.image_shape)).mu)
    return Size(sum(parameter.numel() for parameter in model.parameters()), total)


def _images_per_second(config: TrainConfig) -> float:
    """The rate of real training steps on noise."""
    import torch

    from vae_core.system.devices import choose_device
    from vae_core.training.training_step import TrainingStep

    device = choose_device(config.device)
    config = config.model_copy(update={"learning_rate": 1e-4})  # noise must not make it diverge
    images = torch.randint(256, (config.batch_size, *config.model.image_shape), dtype=torch.uint8)
    step, images = TrainingStep(config, images, device), images.to(device)
    started = busy = 0.0
    while step.count <= WARM_UP_STEPS or time.monotonic() - started < MEASURE_SECONDS:
        if step.count == WARM_UP_STEPS:
            started, busy = time.monotonic(), time.process_time()
        step(images)
        step.check_finite()  # waits for the device
    wall, cores = time.monotonic() - started, (time.process_time() - busy) / torch.get_num_threads()
    # On a machine that is busy with something else for the moment, the processor time is closer to what a run will need.
    return (step.count - WARM_UP_STEPS) * config.batch_size / (min(wall, cores) if device.type == "cpu" else wall)


if __name__ == "__main__":
    worker_process.lower_priority()  # as a run does
    print(_images_per_second(TrainConfig.model_validate_json(sys.stdin.read())))

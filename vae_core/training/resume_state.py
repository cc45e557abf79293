"""state.safetensors: all that a run needs to go on as if it had never been interrupted, and when it is written.

Tensors by their names in the table of `vae_core/objectives/flat_state.py`; in the header, as JSON, the Facts below. Reading it
executes nothing; a file that is cut short, forged, far too large or of another run is refused with a sentence before anything
in the run's folder is changed. It is flushed to the disk before it takes the place of the one before, so a power cut leaves one.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as load_bytes
from safetensors.torch import save_file
from torch import Tensor

from vae_core.config.live_settings import live_settings, with_settings
from vae_core.config.schema import TrainConfig
from vae_core.errors import CheckpointError, ConfigError, RunError
from vae_core.model_files.header import open_model_file, read_raw_header
from vae_core.objectives.flat_state import State, restore, state_of
from vae_core.system.atomic_write import replaced

if TYPE_CHECKING:
    from vae_core.training.loop import Run

STATE = "state.safetensors"
SECONDS = 10.0  # between two states within an epoch: what a killed run loses at most
SHARE = 0.015  # of a run's time that writing states may take; the last one, which is written in any case, comes on top
_KEY = "latent_walk_state"
_ANYWAY = 64 << 20  # bytes that a state may hold whatever the model is
_AGAIN = "The run can be trained again with the same settings; its best model, if one was saved, is still there."

Count = Annotated[int, Field(ge=0, le=2**53)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Facts(BaseModel):
    """What is no tensor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    config: dict[str, Any]  # of the run, as config.json has it
    added_epochs: tuple[Count, ...]  # by which it had been extended
    settings: dict[str, Number]  # those that can be changed during a run, as they are now
    digest: str  # of the images
    device: str  # its kind
    epoch: Count  # whole epochs so far
    batch: Count  # batches taken of the epoch that goes on
    step: Count
    lr: Number
    seconds: Annotated[Number, Field(ge=0)]  # that the run has taken
    log_bytes: Count  # of metrics.jsonl that belong to it
    best: tuple[Number, Count] | None  # score and step of the best weights
    numbers: dict[str, int | float]  # of the table that is otherwise tensors


class Keeper:
    """Keeps the state of a run: at each epoch's end and every SECONDS, but at most SHARE of the time goes into writing it."""

    def __init__(self, run: Run) -> None:
        self._run, self._path = run, run.run_dir / STATE
        self._begun = self._written = time.monotonic()
        self._cost = self._spent = 0.0  # seconds: of the last one, and of all
        self._position: tuple[int, int] | None = None  # of the last one

    def due(self, *, epoch_ended: bool = False) -> bool:
        """Whether a state is to be written now."""
        now = time.monotonic()
        within = self._spent + self._cost <= SHARE * (now - self._begun)
        return within and (epoch_ended or now - self._written >= SECONDS)

    def write_if_moved(self) -> None:
        """As `write`, unless the last one is of the same step."""
        if self._position != (self._run.epoch, self._run.batch):
            self.write()

    def write(self) -> None:
        """Replaces the state.

        Raises:
            DivergedError: the loss was not finite.
            OSError: the disk is full; the state before it stays.
        """
        run, begun = self._run, time.monotonic()
        run.step.check_finite()
        if run.batch == 0:  # the order of an epoch is drawn at its beginning
            run.epoch_order = run.order.get_state()
        state = state_of(self._parts())
        facts = Facts(
            config=run.config.model_dump(mode="json"), added_epochs=run.added_epochs, settings=live_settings(run.step.config),
            digest=run.dataset.digest, device=run.device.type, epoch=run.epoch, batch=run.batch, step=run.step.count,
            lr=run.step.lr, seconds=begun - run.started, log_bytes=run.writer.flushed(),
            best=run.best[:2] if run.best else None,
            numbers={name: value for name, value in state.items() if not isinstance(value, Tensor)},
        )  # fmt: skip
        _write(self._path, facts, {name: value for name, value in state.items() if isinstance(value, Tensor)})
        self._position, self._written = (run.epoch, run.batch), time.monotonic()
        self._cost = self._written - begun
        self._spent += self._cost

    def restore(self) -> Facts | None:
        """Brings the run to the state in its folder; None when there is none.

        Raises:
            RunError: it cannot be used, or is of other images or another configuration.
        """
        run = self._run
        found = _read(self._path, state_of(self._parts()))
        if found is None:
            return None
        facts, state = found
        run.step.reconfigure(_checked(facts, run))
        if facts.best:
            weights = run.model.state_dict()
            run.best = (*facts.best, {name: torch.empty_like(like, device="cpu") for name, like in weights.items()})
        try:
            run.next_kl_per_dim = restore(self._parts(), state)["next_kl_per_dim"]
            run.order.set_state(run.epoch_order)
        except (ValueError, KeyError, TypeError, RuntimeError) as error:
            raise _broken(self._path.name, error) from None
        run.epoch, run.batch, run.step.count, run.step.lr = facts.epoch, facts.batch, facts.step, facts.lr
        run.wanted = {name: value for name, value in facts.settings.items() if value != live_settings(run.config)[name]}
        run.started = time.monotonic() - facts.seconds
        self._position, self._written = (run.epoch, run.batch), time.monotonic()
        return facts

    def _parts(self) -> dict[str, Any]:
        """What a state is made of, besides its facts."""
        run = self._run
        return {
            "model": run.model, "optimizer": run.step.optimizer, "objective": run.step.objective, "noise": run.step.noise,
            "order": run.epoch_order, "chance": torch.default_generator, "means": run.means,
            "next_kl_per_dim": run.next_kl_per_dim, "best": run.best[2] if run.best else {},
        }  # fmt: skip


def _write(path: Path, facts: Facts, tensors: dict[str, Tensor]) -> None:
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        with replaced(path) as beside:
            save_file(stored, beside, metadata={_KEY: facts.model_dump_json()})
            with beside.open("rb") as file:
                os.fsync(file.fileno())
    except SafetensorError as error:  # how the library reports a full disk
        raise OSError(f"{path.name} could not be written: {error}") from error


def _read(path: Path, like: State) -> tuple[Facts, State] | None:
    """The state in a file, None where there is none; `like` is a state of such a run at its beginning.

    Raises:
        RunError: the file cannot be read, is broken, or is larger than any state of this run.
    """
    if not os.path.lexists(path):
        return None
    most = _ANYWAY + 6 * sum(value.nbytes for value in like.values() if isinstance(value, Tensor))  # an optimizer keeps copies
    try:
        with open_model_file(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > most:
                raise RunError(f"{path.name} has {size:,} bytes; a state of this run has at most {most:,}. {_AGAIN}")
            facts = _facts(read_raw_header(file, path.name), path.name)
            file.seek(0)
            tensors = load_bytes(file.read(size))
    except CheckpointError as error:
        raise RunError(f"{str(error).rpartition('.')[0].rpartition('.')[0] or path.name}. {_AGAIN}") from None
    except (SafetensorError, RuntimeError, ValueError, OverflowError) as error:
        raise error if isinstance(error, RunError) else _broken(path.name, error) from None
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise _broken(path.name, f"{name[:100]} holds values that are not finite")
    return facts, {**tensors, **facts.numbers}


def _facts(header: dict[str, Any], filename: str) -> Facts:
    metadata = header.get("__metadata__")
    text = metadata.get(_KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise _broken(filename, "it holds no state of a run")
    try:
        return Facts.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise _broken(filename, f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:200]) from None


def _broken(filename: str, why: object) -> RunError:
    """The error for a state that cannot be used."""
    return RunError(f"{filename} cannot be used ({str(why).splitlines()[0][:300]}). {_AGAIN}")


def _checked(facts: Facts, run: Run) -> TrainConfig:
    """The run's configuration with the settings that were changed while it went."""
    different = _differences(facts.config, run.config.model_dump(mode="json"))
    if different:
        raise RunError(
            f"The run's config.json no longer fits its state: {'; '.join(different[:3])}. Put the old value back to resume it, "
            "or train again with the new one."
        )
    if facts.added_epochs != run.added_epochs[: len(facts.added_epochs)]:
        raise RunError(f"run.json has lost epochs by which the run had been extended: {list(facts.added_epochs)}. {_AGAIN}")
    if facts.digest != run.dataset.digest:
        raise RunError(
            f"{run.dataset.info.title}: the images have changed since this run was interrupted, so it cannot go on as if nothing "
            "had happened. Put the old images back to resume it, or train again with the new ones."
        )
    if facts.device != run.device.type:
        raise RunError(
            f"The run was interrupted on {facts.device} and would go on on {run.device.type}, with other chance and other "
            "rounding. Resume it where it was, or train again here."
        )
    try:
        return with_settings(run.config, facts.settings)
    except ConfigError as error:
        raise _broken(STATE, error) from None


def _differences(before: dict[str, Any], now: dict[str, Any], where: str = "") -> list[str]:
    found = []
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            found += _differences(old, new, f"{where}{name}.")
        elif old != new:
            found.append(f"{where}{name} was {str(old)[:60]} and is {str(new)[:60]}")
    return found

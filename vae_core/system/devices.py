"""Which device and which arithmetic: an accelerator where there is one, bfloat16 where the hardware has it."""

from __future__ import annotations

import contextlib
import os

import torch

from vae_core.config.schema import TrainConfig
from vae_core.errors import ConfigError


def choose_device(name: str = "auto") -> torch.device:
    """The device that this name means here; "auto" is an accelerator where there is one.

    Raises:
        ConfigError: that device is not there.
    """
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if name == "auto":
        return accelerator or torch.device("cpu")
    device = torch.device(name)
    if device.type != "cpu" and (accelerator is None or accelerator.type != device.type):
        raise ConfigError(f"device {name!r} is not available on this machine; choose 'auto' or 'cpu'.")
    return device


def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 matrix products are faster than float32 on this device, not merely emulated."""
    if device.type == "cpu":
        return _cpu_has("_is_avx512_bf16_supported") or _cpu_has("_is_amx_tile_supported")
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def _cpu_has(probe: str) -> bool:
    # torch offers these probes without a public name; a version without one counts as hardware without the feature
    return bool(getattr(torch.cpu, probe, lambda: False)())


def use_bfloat16(config: TrainConfig, device: torch.device) -> bool:
    """Whether a run computes in bfloat16; weights, posterior and likelihood stay float32."""
    return config.precision == "bfloat16" or (config.precision == "auto" and has_bfloat16(device))


def autocast(device: torch.device, enabled: bool) -> contextlib.AbstractContextManager[object]:
    """bfloat16 autocast, or nothing."""
    return torch.autocast(device.type, torch.bfloat16) if enabled else contextlib.nullcontext()


def describe(device: torch.device) -> str:
    """The device in words, for pages and tables."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return device.type.upper()


def leave_room_for_others() -> None:
    """Lets each torch operation of this process take half the cores; call it before the first operation.

    For a server that decodes small pictures beside its own event loop, its browsers and perhaps a training run. Threads of one
    operation wait for each other at its end, so one that the system has put aside stalls all: measured on two cores beside a
    training run, a batch of 16 pictures takes 5 ms with one thread and hundreds with two.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(max(1, cores // 2))

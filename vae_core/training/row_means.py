"""Means over the steps between two rows of a run's numbers."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor

from vae_core.objectives.flat_state import State
from vae_core.objectives.objective import Terms

Row = dict[str, Any]


class RowMeans:
    """Means over the steps since the last row, summed up on the device so that no step waits for it."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._kl_per_dim, self._coded = torch.zeros((), device=device), 0  # totals, and of how many images
        self._clear()

    def _clear(self) -> None:
        self._totals = torch.zeros(3, device=self._device)  # log_px_z, kl, loss
        self._more: dict[str, Tensor | float] = {}
        self._images, self._since = 0, time.monotonic()

    def add(self, terms: Terms, gradient_norm: Tensor) -> None:
        self._totals += torch.stack([terms.log_px_z.sum(), terms.kl.sum(), terms.loss.sum()]).detach()
        self._images += len(terms.kl)
        if terms.kl_per_dim is not None:
            self._kl_per_dim, self._coded = self._kl_per_dim + terms.kl_per_dim.detach().sum(dim=0), self._coded + len(terms.kl)
        for name, value in {"gradient_norm": gradient_norm, **terms.more}.items():
            mean = value.detach().mean() if isinstance(value, Tensor) else value
            self._more[name] = self._more.get(name, 0.0) + mean * len(terms.kl)

    def take(self) -> Row | None:
        """Means per image since the last call, and the rate; None when there was no step."""
        if self._images == 0:
            return None
        log_px_z, kl, loss = (self._totals / self._images).tolist()
        row = {name: float(total) / self._images for name, total in self._more.items()}
        row |= {"reconstruction": -log_px_z, "kl": kl, "elbo": log_px_z - kl, "loss": loss}
        row["images_per_second"] = self._images / max(time.monotonic() - self._since, 1e-9)
        self._clear()
        return row

    def take_kl_per_dim(self) -> Row:
        """Means of each dimension since the last call; empty where the posterior has no such KL."""
        if not self._coded:
            return {}
        means = (self._kl_per_dim / self._coded).tolist()
        self._kl_per_dim, self._coded = torch.zeros((), device=self._device), 0
        return {"kl_per_dim": means}

    def state_dict(self) -> State:
        """All of it, for a run that goes on later."""
        kept: State = {"totals": self._totals, "kl_per_dim": self._kl_per_dim, "coded": self._coded, "images": self._images}
        more = {f"more.{name}": total for name, total in self._more.items()}
        return {**kept, **more, "seconds": time.monotonic() - self._since}

    def load_state_dict(self, state: State) -> None:
        """Back to it."""
        put: dict[str, Any] = dict(state)
        put |= {name: value.to(self._device) for name, value in put.items() if isinstance(value, Tensor)}
        self._totals.copy_(put.pop("totals"))
        self._kl_per_dim, self._coded, self._images = put.pop("kl_per_dim"), int(put.pop("coded")), int(put.pop("images"))
        self._since = time.monotonic() - float(put.pop("seconds"))
        self._more = {name.removeprefix("more."): value for name, value in put.items()}

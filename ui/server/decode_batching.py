"""Gathers what waits on all sockets and decodes it as one batch per source on one worker thread.

While a batch is being decoded new requests pile up and form the next batch, so the batch size follows the load by itself: one
person is answered at once, sixty-four share the network's fixed costs. Knows nothing of sockets or Streamlit: z in, pixels out.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

MAX_BATCH = 32  # latent vectors per call of the decoder: more do not fit the caches of small machines and only wait longer


class Source(Protocol):
    """Something that yields the model to decode with, newest version of its file; raises when the model is gone.

    Requests are gathered by source and never by a model's name: two files can have one name in turn.
    """

    def current(self) -> Any: ...


@dataclass(frozen=True)
class WithNoise:
    """A source whose pixels are drawn from p(x|z): the noise follows from the seed alone, not from what else is in a batch."""

    source: Source
    seed: int

    def current(self) -> NoisyDecoder:
        return NoisyDecoder(self.source.current(), self.seed)


@dataclass(frozen=True)
class NoisyDecoder:
    """A model as the batcher asks it."""

    model: Any
    seed: int

    @property
    def latent_dim(self) -> int:
        return self.model.latent_dim

    def decode(self, z: np.ndarray) -> list[np.ndarray]:
        return [self.model.draw(one[None], self.seed)[0] for one in z]


Request = tuple[bytes, "asyncio.Future[np.ndarray]"]


class Batcher:
    """Owned by one event loop; the decoder runs on its own thread, one batch at a time."""

    def __init__(self, max_batch: int = MAX_BATCH) -> None:
        self.loop = asyncio.get_running_loop()
        self._max_batch = max_batch
        self._queues: dict[Source, list[Request]] = {}  # oldest first
        self._busy = False
        self._work: queue.SimpleQueue[tuple[Source, list[Request]] | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="decoder", daemon=True).start()

    def decode(self, source: Source, z: bytes) -> asyncio.Future[np.ndarray]:
        """The picture (H,W,C) uint8 of one z (D float32, little endian), when its batch is done.

        The future carries whatever the source or the model raised.
        """
        future: asyncio.Future[np.ndarray] = self.loop.create_future()
        self._queues.setdefault(source, []).append((z, future))
        if not self._busy:
            self._busy = True
            self.loop.call_soon(self._start_next)  # after every frame that arrived in this turn of the loop
        return future

    def close(self) -> None:
        """Ends the worker thread; what waits is cancelled."""
        self._work.put(None)
        for waiting in self._queues.values():
            for _, future in waiting:
                if not self.loop.is_closed():
                    future.cancel()
        self._queues.clear()

    def _start_next(self) -> None:
        self._busy = bool(self._queues)
        if not self._busy:
            return
        source = next(iter(self._queues))
        waiting = self._queues.pop(source)
        batch, rest = waiting[: self._max_batch], waiting[self._max_batch :]
        if rest:
            self._queues[source] = rest  # at the end of the line: models take turns
        self._work.put((source, batch))

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            source, batch = work
            try:
                answers = _answers(source.current(), [z for z, _ in batch])
            except Exception as error:
                answers = [error] * len(batch)
            if not self.loop.is_closed():
                self.loop.call_soon_threadsafe(self._deliver, batch, answers)

    def _deliver(self, batch: list[Request], answers: list[np.ndarray | Exception]) -> None:
        self._start_next()  # first, so that the decoder works while the replies go out
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():  # its connection is gone
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)


def _answers(model: Any, batch: list[bytes]) -> list[np.ndarray | Exception]:
    """One picture per z; a z of another length than the model's (its file was just replaced) gets a SizeChangedError."""
    size = 4 * model.latent_dim
    fits = [len(z) == size for z in batch]
    if all(fits):
        return list(model.decode(np.frombuffer(bytearray().join(batch), dtype="<f4").reshape(-1, model.latent_dim)))
    error = SizeChangedError(f"the model now has {model.latent_dim} latent dimensions")
    decoded = iter(_answers(model, [z for z, fit in zip(batch, fits, strict=True) if fit])) if any(fits) else iter(())
    return [next(decoded) if fit else error for fit in fits]


class SizeChangedError(Exception):
    """A model's file was replaced by a model with another latent size while somebody was connected to it."""

"""What is known about a run that was not started: how large its model is and how long it will take.

What takes seconds (importing torch to count parameters, a few real steps to see how fast this machine is) happens in the
background, one at a time and once each; whoever asks is told that more will be known in a moment. What fails is said and
tried again after a while.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from vae_core import runs
from vae_core.config.schema import TrainConfig
from vae_core.training import time_estimate

TRY_AGAIN_SECONDS = 60.0  # after a failure


@dataclass(frozen=True)
class Outlook:
    """What can be said now."""

    parameters: int | None = None  # None: not counted yet
    estimate: time_estimate.Estimate | None = None  # None: nothing comparable was measured
    waiting: bool = False  # more will be known in a moment
    trouble: str = ""  # why it cannot be known


@dataclass
class Background:
    """Work that is done once, in threads, one piece at a time."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _going: str = ""
    _done: set[str] = field(default_factory=set)
    _failed: dict[str, tuple[float, str]] = field(default_factory=dict)

    def is_done(self, name: str) -> bool:
        """Whether this piece has been done."""
        return name in self._done

    def is_going(self) -> bool:
        """Whether some piece is being done."""
        return bool(self._going)

    def trouble(self, name: str) -> str:
        """Why this piece failed lately; empty when it did not."""
        when, sentence = self._failed.get(name, (0.0, ""))
        return sentence if sentence and time.monotonic() - when < TRY_AGAIN_SECONDS else ""

    def begin(self, name: str, work: Callable[[], object]) -> None:
        """Starts a piece unless it is done, has failed lately or another one is going."""
        with self._lock:
            if self._going or name in self._done or self.trouble(name):
                return
            self._going = name
        threading.Thread(target=self._work, args=(name, work), daemon=True, name=name[:15]).start()

    def _work(self, name: str, work: Callable[[], object]) -> None:
        try:
            work()
            self._done.add(name)
        except Exception as error:  # whatever it was, the next piece must be able to begin
            self._failed[name] = (time.monotonic(), f"{type(error).__name__}: {error}".rstrip(": "))
        finally:
            self._going = ""


_background = Background()


def outlook(config: TrainConfig, background: Background = _background) -> Outlook:
    """What is known about this run now; sees to it that more is known soon. Never waits."""
    if not background.is_done("count"):
        background.begin("count", lambda: time_estimate.size(config.model))
        return Outlook(waiting=background.is_going(), trouble=background.trouble("count"))
    parameters = time_estimate.size(config.model).parameters
    if (known := time_estimate.estimate(config)) is not None:
        return Outlook(parameters, known)
    piece = f"measure {config.model!r} {config.batch_size} {config.objective.cost} {config.precision} {config.device}"
    if not any(run.live for run in runs.list_runs()):  # it would be slowed down by a run, and slow that down
        background.begin(piece, lambda: time_estimate.measure(config))
    return Outlook(parameters, waiting=background.is_going(), trouble=background.trouble(piece))

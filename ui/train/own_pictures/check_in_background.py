"""What is known about pictures that wait to be kept: all of them are looked at in a thread, some are shown at once.

A check belongs to what was dropped and not to a session, so a page that was reloaded finds it as far as it has come.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from ui.shared import error_sentences
from ui.train.own_pictures.staged_uploads import Staged
from vae_core.system.thread_priority import lower_priority

if TYPE_CHECKING:
    from vae_core.import_images import ImportOptions, PreviewPicture, Report, Source

MOST_CHECKS = 6  # at a time, each with its file open and some decoded pictures in memory


class Check:
    """One look through everything, with what it has found so far."""

    def __init__(self, staged: Staged) -> None:
        """
        Raises:
            DataError: these pictures are refused as a whole.
        """
        from vae_core.import_images import open_source

        self.source: Source = open_source(staged.path)
        self.done = 0
        self.report: Report | None = None
        self.trouble = ""
        self._path = staged.path
        self._showing = threading.Lock()
        self._stopped = threading.Event()
        threading.Thread(target=self._look, daemon=True, name="own pictures").start()

    @property
    def going(self) -> bool:
        """Whether it has still something to look at."""
        return self.report is None and not self.trouble

    def pictures(self, options: ImportOptions, count: int) -> list[PreviewPicture]:
        """Some of the pictures as the network will see them.

        Raises:
            DataError: none of them can be read.
        """
        from vae_core.import_images import preview

        with self._showing:  # two tabs may ask at once
            return preview(self.source, options, count)

    def stop(self) -> None:
        """Ends the look and closes the files."""
        self._stopped.set()
        with self._showing:
            self.source.close()

    def _look(self) -> None:
        from vae_core.import_images import inspect, open_source

        lower_priority()
        try:
            with open_source(self._path) as source:  # a second one: reading here never waits for the pictures that are shown
                self.report = inspect(source, self._progress, self._stopped.is_set)
        except Exception as error:  # the page says what it was
            self.trouble = error_sentences.explain(error).what

    def _progress(self, done: int, _total: int) -> None:
        self.done = done


_checks: OrderedDict[str, Check] = OrderedDict()
_lock = threading.Lock()


def check(staged: Staged) -> Check:
    """The check of these pictures; begins it.

    Raises:
        DataError: these pictures are refused as a whole.
    """
    with _lock:
        if staged.id not in _checks:
            _checks[staged.id] = Check(staged)
        _checks.move_to_end(staged.id)
        while len(_checks) > MOST_CHECKS:
            _checks.popitem(last=False)[1].stop()
        return _checks[staged.id]


def end(staged_id: str) -> None:
    """Nobody needs this check any more."""
    with _lock:
        found = _checks.pop(staged_id, None)
    if found is not None:
        found.stop()

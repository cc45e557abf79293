"""`/map/embedding?model=NAME&kind=tsne|umap`: where the encoded images lie on a map without an inverse.

POST starts what is not there yet; GET only looks.

200: the points, little endian: u32 count K, u32 numbers of the encoded images (K), float32 coordinates (K x 2), around zero.
202: not computed yet, with a sentence; ask again. 204: nobody has started it. 404: no such model, or nothing to map;
501: a library is not installed; 500: the computation failed. The work is done by a child process, at
most one for this server, and kept in the runs' folder under the hash of the model's file, so that every session and every later
server finds it.
"""

from __future__ import annotations

import struct
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from starlette.responses import PlainTextResponse, Response

from ui.shared import cached_models
from vae_core.errors import DataError
from vae_core.latent import neighbour_embeddings
from vae_core.latent.neighbour_embeddings import NAMES, Embedding
from vae_core.runs import runs_root
from vae_core.system.child_processes import ONE_CORE, start_module

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from starlette.requests import Request

FAILURE_KEPT = 30.0  # seconds; sessions that ask meanwhile are told the same instead of failing again
CACHED = {"Cache-Control": "private, max-age=3600"}  # the address carries the version of the model's file
FRESH = {"Cache-Control": "no-store"}


@dataclass
class Job:
    """A child at work. Its output goes to a file without a name."""

    path: Path
    kind: str
    points: int
    process: subprocess.Popen[bytes]
    output: IO[bytes]
    started: float

    def words(self) -> str:
        """How far it is, for the person who waits."""
        seconds = 5 * int((time.monotonic() - self.started) // 5)  # seldom enough to be read aloud
        return f"Computing {NAMES[self.kind]} of {self.points:,} points in the background, {seconds} s so far."

    def failure(self) -> str:
        """Why it ended without a result."""
        self.output.seek(0)
        lines = self.output.read().decode(errors="replace").strip().splitlines()
        self.output.close()
        code = self.process.returncode
        if code == 2 and lines:
            return lines[-1]
        why = f"its process was ended by signal {-code}" if code < 0 else lines[-1] if lines else f"its process ended with {code}"
        return f"{NAMES[self.kind]} could not be computed: {why}. Choose it again to try once more."


class Jobs:
    """Starts children and knows how they are doing. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._job: Job | None = None
        self._failures: dict[Path, tuple[float, str]] = {}  # path -> (until, sentence)

    def ask(self, path: Path, kind: str, means: NDArray[np.float32], *, start: bool = True) -> tuple[str, bool]:
        """(sentence, failed) about a file that is not there yet; starts its computation when nothing else is under way.

        With `start` off it starts nothing, and the sentence is empty where nothing is under way.
        """
        with self._lock:
            self._reap()
            until, sentence = self._failures.get(path, (0.0, ""))
            if time.monotonic() < until:
                return sentence, True
            if not start and (self._job is None or self._job.path != path):
                return "", False
            if self._job is None:
                self._job = _start(path, kind, means)
            if self._job.path == path:
                return self._job.words(), False
            return f"{NAMES[kind]} waits for another map: {self._job.words()}", False

    def _reap(self) -> None:
        if self._job is None or self._job.process.poll() is None:
            return
        ended, self._job = self._job, None
        if neighbour_embeddings.read(ended.path) is None:
            self._failures = {ended.path: (time.monotonic() + FAILURE_KEPT, ended.failure())}
        ended.output.close()


_jobs = Jobs()


def embedding(request: Request, _: bytes) -> Response:
    """The route's answer; what is wrong with the question is raised as a sentence."""
    kind = request.query_params.get("kind", "")
    if kind not in NAMES:
        raise DataError(f"There is no map of kind {kind[:20]!r}; choose from {', '.join(NAMES)}.")
    entry = cached_models.entry(request.query_params.get("model", ""))
    means = cached_models.encoded_images(entry).points.means
    neighbour_embeddings.check_count(len(means), kind)
    path = _folder() / f"{cached_models.content_hash(entry)}-{kind}.npz"
    found = neighbour_embeddings.read(path)
    if found is not None and found.indices.max(initial=0) < len(means):
        return Response(encoded(found), media_type="application/octet-stream", headers=CACHED)
    if sentence := neighbour_embeddings.missing(kind):
        return PlainTextResponse(sentence, status_code=501, headers=FRESH)
    sentence, failed = _jobs.ask(path, kind, means, start=request.method == "POST")
    if not sentence:
        return Response(status_code=204, headers=FRESH)
    return PlainTextResponse(sentence, status_code=500 if failed else 202, headers=FRESH)


def encoded(found: Embedding) -> bytes:
    """The answer's body."""
    head = struct.pack("<I", len(found.indices))
    return head + found.indices.astype("<u4").tobytes() + found.coordinates.astype("<f4").tobytes()


def _folder() -> Path:
    folder = runs_root() / ".maps"  # hidden: no run, and no model
    folder.mkdir(exist_ok=True)
    return folder


def _start(path: Path, kind: str, means: NDArray[np.float32]) -> Job:
    output = tempfile.TemporaryFile()  # noqa: SIM115  (closed when the job is reaped)
    with tempfile.TemporaryFile() as given:
        np.save(given, means)
        given.seek(0)
        process = start_module(
            "vae_core.latent.neighbour_embeddings", kind, str(path), output=output, given=given, variables=ONE_CORE
        )
    return Job(path, kind, min(len(means), neighbour_embeddings.MOST), process, output, time.monotonic())

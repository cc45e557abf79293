"""Imports as processes: they outlive who started them, stop when asked, and killed leave nothing or a whole dataset."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import pytest
from picture_folders import pictures, zipped

from vae_core.data import loading
from vae_core.data.catalog import datasets
from vae_core.data.own_datasets import delete_own, own_root
from vae_core.errors import DataError
from vae_core.import_images import (
    ImportOptions,
    forget_import,
    import_images,
    import_jobs,
    incoming_folder,
    open_source,
    start_import,
    stop_import,
)
from vae_core.import_images.write_dataset import ImportStoppedError, remove_stale
from vae_core.runs.json_files import read_json, write_json
from vae_core.system.child_processes import PROJECT

LARGE = ImportOptions(size=128)
SMALL = ImportOptions(size=32)


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """An array whose import takes about a second."""
    path = tmp_path_factory.mktemp("many") / "many.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (3000, 32, 32, 3), np.uint8))
    return path


def until(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def job_of(job_id):
    return next(job for job in import_jobs() if job.id == job_id)


def ended(job_id):
    """The job when its process is no more."""
    until(lambda: not job_of(job_id).live)
    return job_of(job_id)


def process_of(job_id) -> int:
    """The process that works on a job."""
    status = own_root() / ".jobs" / job_id / "status.json"
    until(lambda: read_json(status).get("pid") or not job_of(job_id).live)
    return read_json(status)["pid"]


def visible() -> list[str]:
    return sorted(path.name for path in own_root().iterdir() if not path.name.startswith("."))


def test_an_import_runs_in_a_process_of_its_own_and_says_how_far_it_is(many):
    job_id = start_import(many, "own", LARGE)
    until(lambda: job_of(job_id).done > 0)
    assert job_of(job_id).total == 3000
    job = ended(job_id)
    assert (job.state, job.done, job.name, job.seconds_left) == ("done", 3000, "own", None) and "3,000" in job.message
    assert len(loading.load("own", 100).train) == 2600
    forget_import(job_id)
    assert import_jobs() == []


def test_an_import_goes_on_when_the_one_who_started_it_has_gone(tmp_path):
    code = (
        "import sys; from vae_core.import_images import *; from pathlib import Path\n"
        "start_import(Path(sys.argv[1]), 'own', ImportOptions(size=32))"
    )
    folder = pictures(tmp_path / "given", 15)
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=PROJECT, check=True, timeout=60)
    until(lambda: not any(job.live for job in import_jobs()))
    assert [job.state for job in import_jobs()] == ["done"] and "own" in datasets()


def test_stop_leaves_nothing(many):
    job_id = start_import(many, "own", LARGE)
    stop_import(job_id)
    job = ended(job_id)
    assert job.state == "stopped" and "Nothing of it is kept" in job.message
    assert visible() == [] and not list(own_root().glob(".importing-*"))


def test_stop_in_the_middle_leaves_nothing(many):
    done = []
    with open_source(many) as source, pytest.raises(ImportStoppedError):
        import_images(source, "own", LARGE, progress=lambda *told: done.append(told), should_stop=lambda: len(done) == 700)
    assert done[-1] == (700, 3000) and list(own_root().iterdir()) == []


def test_a_name_is_taken_while_it_is_being_imported(many):
    job_id = start_import(many, "own", LARGE)
    with pytest.raises(DataError, match="being imported at this moment"):
        start_import(many, "Own", LARGE)
    stop_import(job_id)
    ended(job_id)


def test_what_was_uploaded_for_an_import_is_removed_when_it_ends_and_other_files_stay(tmp_path):
    folder = incoming_folder()
    sources = sorted((pictures(tmp_path / "p", 25) / "monarch").iterdir())
    upload = zipped(folder / "a.zip", {path.name: path.read_bytes() for path in sources})
    for paths, name in ((upload, "one"), (tmp_path / "p", "two")):
        job = ended(start_import(paths, name, SMALL))
        assert job.state == "done", job.message
    until(lambda: not folder.exists())
    assert (tmp_path / "p").exists() and visible() == ["one", "two"]


def test_an_import_that_fails_says_why(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    job = ended(start_import(tmp_path / "a.txt", "own", SMALL))
    assert job.state == "failed" and "no picture" in job.message


def test_a_killed_import_leaves_nothing_or_a_whole_dataset_at_whatever_moment(many):
    """The same name is imported again and again, killed at random moments; then it is left alone and has to succeed."""
    began = time.monotonic()
    ended(start_import(many, "how long", LARGE))
    whole, rng, ends = time.monotonic() - began, random.Random(3), []
    delete_own("how long")
    for share in (*(rng.uniform(0.05, 1.0) for _ in range(6)), *(rng.uniform(0.8, 1.05) for _ in range(3))):
        ends.append(killed_after(share * whole, many))
        if visible():
            assert visible() == ["own"] and len(loading.load("own", 100).train) == 2600
            break
        assert ends[-1].state == "died" and "Nothing of it is kept" in ends[-1].message
    else:
        assert ended(start_import(many, "own", LARGE)).state == "done"
    assert visible() == ["own"] and ends[0].state == "died"
    remove_stale()
    assert not list(own_root().glob(".importing-*"))


def test_an_import_that_is_killed_after_its_last_step_is_done(tmp_path):
    job_id = start_import(pictures(tmp_path / "given", 15), "own", SMALL)
    assert ended(job_id).state == "done"
    write_json(own_root() / ".jobs" / job_id / "status.json", {"state": "running", "done": 30, "total": 30})
    until(lambda: job_of(job_id).state == "done")  # once its process, which may still be leaving, has gone
    assert "imported" in job_of(job_id).message
    delete_own("own")
    assert job_of(job_id).state == "died" and "Nothing of it is kept" in job_of(job_id).message


def killed_after(seconds, paths):
    """How an import ended that was killed after so many seconds, unless it had ended by itself."""
    job_id, deadline = start_import(paths, "own", LARGE), time.monotonic() + seconds
    until(lambda: time.monotonic() > deadline or not job_of(job_id).live)
    if job_of(job_id).live:
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(process_of(job_id), signal.SIGKILL)
    return ended(job_id)


@pytest.mark.parametrize("limit", [100_000, 20_000_000])
def test_a_disk_that_is_full_in_the_middle_leaves_nothing_and_says_so(many, limit):
    """The kernel refuses to let a file of the child grow beyond the limit, as it does on a full disk."""
    code = (
        "import resource, sys; from pathlib import Path; from vae_core.import_images import *\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "from vae_core.errors import DataError\n"
        "with open_source(Path(sys.argv[1])) as source:\n"
        "    try: import_images(source, 'own', ImportOptions(size=128))\n"
        "    except DataError as error: print(error); sys.exit(3)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(many)], cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 3, done.stderr
    assert "could not be written" in done.stdout and "Nothing of it is kept" in done.stdout
    assert list(own_root().iterdir()) == []

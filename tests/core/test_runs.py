"""Real child processes, real locks, real kills; only the training inside them is a stand-in, except where it says so."""

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vae_core import runs
from vae_core.config.schema import train_config
from vae_core.errors import LatentWalkError, RunError
from vae_core.model_files import checkpoints
from vae_core.runs.metrics_log import read_tail
from vae_core.training import worker_process

ROOT = Path(__file__).parents[2]
FOREVER, SHORT, RAISES, DISK_FULL, DIVERGES, ORPHAN = range(6)


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(runs.start_stop_delete, "WORKER", "tests.core.fake_worker")
    yield tmp_path / "runs"
    for run in runs.list_runs():
        if run.live:
            runs.stop(run.run_id)
    wait_for(lambda: not any(run.live for run in runs.list_runs()))


def config(kind=FOREVER):
    return train_config(data={"name": "shapes"}, seed=kind)


def wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, [(run, runs.log_tail(run.run_id)) for run in runs.list_runs()]
        time.sleep(0.02)


def wait_state(run_id, state):
    ended = ("done", "stopped", "failed", "died")
    wait_for(lambda: runs.status(run_id).state in (state, *ended), seconds=60.0)
    assert runs.status(run_id).state == state, (runs.status(run_id), runs.log_tail(run_id))
    return runs.status(run_id)


def pid_of(run_id):
    return json.loads((runs.runs_root() / run_id / "status.json").read_text())["pid"]


def test_a_run_goes_from_queued_through_running_to_done_with_its_best_elbo():
    run_id = runs.start(config(SHORT), "first try")
    assert runs.status(run_id).state in ("queued", "running")
    run = wait_state(run_id, "done")
    assert (run.name, run.elbo, run.epoch) == ("first try", -120.5, 1.0)
    assert run.checkpoint.read_bytes() == b"good"
    assert 0 < run.seconds < 20 and run.config == config(SHORT)


def test_a_new_run_is_never_seen_as_died():
    for _ in range(5):
        run_id = runs.start(config(FOREVER))
        seen = {runs.status(run_id).state for _ in range(200)}
        runs.stop(run_id)
        assert "died" not in seen
        wait_state(run_id, "stopped")


def test_stop_keeps_the_checkpoint():
    run_id = runs.start(config(FOREVER))
    wait_state(run_id, "running")
    runs.stop(run_id)
    run = wait_state(run_id, "stopped")
    assert run.checkpoint is not None and not run.live


def test_sigterm_stops_as_gently_as_the_button():
    run_id = runs.start(config(FOREVER))
    wait_state(run_id, "running")
    os.kill(pid_of(run_id), signal.SIGTERM)
    wait_state(run_id, "stopped")


def test_a_killed_run_has_died_and_keeps_its_last_log_lines():
    run_id = runs.start(config(FOREVER))
    wait_state(run_id, "running")
    with (runs.runs_root() / run_id / "log.txt").open("a") as log:
        log.write("last words\n")
    os.kill(pid_of(run_id), signal.SIGKILL)
    run = wait_state(run_id, "died")
    assert runs.log_tail(run_id).endswith("last words")
    assert run.ended is not None and not run.live


def test_a_killed_run_has_died_even_while_a_child_of_it_lives_on():
    run_id = runs.start(config(ORPHAN))
    wait_state(run_id, "running")
    os.kill(pid_of(run_id), signal.SIGKILL)
    wait_state(run_id, "died")


def test_a_run_outlives_the_process_that_started_it():
    code = (
        "import sys, os, signal\nfrom vae_core import runs\nfrom vae_core.config.schema import train_config\n"
        "runs.start_stop_delete.WORKER = 'tests.core.fake_worker'\n"
        "print(runs.start(train_config(data={'name': 'shapes'}, seed=0)), flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    run_id = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    wait_state(run_id, "running")
    runs.stop(run_id)
    wait_state(run_id, "stopped")


def test_runs_take_turns_in_the_order_they_were_started():
    ids = [runs.start(config(FOREVER), f"turn {n}") for n in range(3)]
    wait_state(ids[0], "running")
    time.sleep(3 * worker_process.POLL_SECONDS)
    assert [runs.status(run_id).state for run_id in ids] == ["running", "queued", "queued"]
    runs.stop(ids[0])
    wait_state(ids[1], "running")
    assert runs.status(ids[2]).state == "queued"


def test_a_queued_run_can_be_stopped_before_it_begins():
    first, second = runs.start(config(FOREVER)), runs.start(config(FOREVER))
    wait_state(first, "running")
    runs.stop(second)
    run = wait_state(second, "stopped")
    assert run.message == "Cancelled before it started." and run.checkpoint is None
    assert runs.status(first).state == "running"


def test_the_queue_moves_on_when_the_running_one_is_killed():
    first, second = runs.start(config(FOREVER)), runs.start(config(FOREVER))
    wait_state(first, "running")
    os.kill(pid_of(first), signal.SIGKILL)
    wait_state(second, "running")
    assert runs.status(first).state == "died"


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells which libraries another process has loaded")
def test_a_waiting_worker_has_not_imported_torch():
    first, second = runs.start(config(FOREVER)), runs.start(config(FOREVER))
    wait_state(first, "running")
    assert runs.status(second).state == "queued"
    maps = [(process / "maps").read_text() for process in Path("/proc").glob("[0-9]*") if _command(process).endswith(second)]
    assert maps and not any("libtorch" in text for text in maps)


def _command(process: Path) -> str:
    with contextlib.suppress(OSError):
        return (process / "cmdline").read_text().rstrip("\0").replace("\0", " ")
    return ""


def test_the_worker_is_nice_to_whoever_drags():
    run_id = runs.start(config(FOREVER))
    wait_state(run_id, "running")
    assert os.getpriority(os.PRIO_PROCESS, pid_of(run_id)) >= os.getpriority(os.PRIO_PROCESS, 0) + 10 or os.nice(0) > 9


def test_few_cores_are_all_used_and_of_many_some_are_left():
    assert [worker_process.thread_count(cores) for cores in (1, 2, 4, 8, 64)] == [1, 2, 4, 6, 16]


def test_a_failed_run_says_why_and_its_log_has_the_traceback():
    run_id = runs.start(config(RAISES))
    run = wait_state(run_id, "failed")
    assert "no such thing" in run.message
    assert "Traceback" in runs.log_tail(run_id, lines=50)


def test_a_full_disk_is_named_and_the_last_good_checkpoint_stays():
    run_id = runs.start(config(DISK_FULL))
    run = wait_state(run_id, "failed")
    assert run.message == worker_process.DISK_FULL
    assert run.checkpoint.read_bytes() == b"good"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_disk_that_is_really_full_is_named_too(root):
    run_id = runs.start(config(FOREVER))  # keeps the next one in the queue while its log of numbers is led to a full device
    blocked = runs.start(config(SHORT))
    (root / blocked / "metrics.jsonl").symlink_to("/dev/full")
    runs.stop(run_id)
    assert wait_state(blocked, "failed").message == worker_process.DISK_FULL


def test_the_status_can_be_written_from_the_reserve_when_nothing_else_fits(root, monkeypatch):
    run_id = runs.start(config(SHORT))
    wait_state(run_id, "done")
    write = Path.write_text

    def full_until_the_reserve_is_gone(self, *arguments, **options):
        if (root / run_id / "reserve").exists():
            raise OSError(28, "No space left on device")
        return write(self, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", full_until_the_reserve_is_gone)
    runs.write_status(root / run_id, state="failed", message=worker_process.DISK_FULL)
    assert runs.status(run_id).message == worker_process.DISK_FULL


def test_a_diverged_run_has_failed_with_its_message_and_a_usable_checkpoint():
    run_id = runs.start(config(DIVERGES))
    run = wait_state(run_id, "failed")
    assert run.message == "The loss was not finite at step 4." and run.checkpoint is not None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (LatentWalkError("Choose shapes."), "Choose shapes."),
        (RuntimeError("I/O error: No space left on device (os error 28)"), worker_process.DISK_FULL),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), worker_process.OUT_OF_MEMORY),
        (MemoryError(), worker_process.OUT_OF_MEMORY),
        (KeyError("x"), "KeyError: 'x'. The log has the details."),
    ],
)
def test_what_went_wrong_becomes_a_sentence(error, expected):
    assert worker_process.explain(error) == expected


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("a/b", "'/'"),
        ("..", "starts with '.'"),
        ("../../etc/passwd", "starts with '.'"),
        (".hidden", "starts with '.'"),
        ("x" * 300, "300 characters long; at most 80"),
        ("tab\tor\nline", "holds"),
        ("c:\\x", "':'"),
        ("   ", "needs a name"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_with_the_reason(name, complaint):
    run_id = runs.start(config(SHORT), "good")
    with pytest.raises(RunError, match="name") as caught:
        runs.rename(run_id, name)
    assert complaint in str(caught.value)
    if name.strip():
        with pytest.raises(RunError):
            runs.start(config(SHORT), name)
    assert [run.name for run in runs.list_runs()] == ["good"]
    wait_state(run_id, "done")


def test_a_taken_name_gets_a_number_at_the_start_and_is_refused_in_a_rename():
    first, second = runs.start(config(SHORT), "Same"), runs.start(config(SHORT), "same")
    assert runs.status(second).name == "same-2"
    with pytest.raises(RunError, match="already called"):
        runs.rename(second, "SAME")
    runs.rename(first, "same")  # its own name in another case
    wait_state(second, "done")


def test_without_a_name_a_run_is_called_after_what_it_trains():
    run_id = runs.start(config(SHORT))
    assert runs.status(run_id).name == "shapes-conv-10d"
    wait_state(run_id, "done")


def test_renaming_touches_neither_the_folder_nor_a_running_process():
    run_id = runs.start(config(FOREVER), "before")
    wait_state(run_id, "running")
    runs.rename(run_id, "nach Übung 2")
    run = runs.status(run_id)
    assert (run.name, run.state) == ("nach Übung 2", "running")


def test_a_live_run_is_not_deleted_and_an_ended_one_is_gone_with_its_files(root):
    run_id = runs.start(config(FOREVER))
    wait_state(run_id, "running")
    with pytest.raises(RunError, match="Stop it first"):
        runs.delete(run_id)
    runs.stop(run_id)
    wait_state(run_id, "stopped")
    runs.delete(run_id)
    assert runs.list_runs() == [] and {path.name.split("-")[0] for path in root.iterdir()} == {".slot", ".trash"}
    with pytest.raises(RunError, match="no run"):
        runs.status(run_id)


@pytest.mark.parametrize("run_id", ["../outside", "/etc", "", ".", "..", "a/../b", "x" * 500, "a\0b"])
def test_no_id_reaches_outside_the_runs_folder(root, run_id):
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "run.json").write_text('{"name": "x", "created": 1}')
    for act in (runs.status, runs.delete, runs.stop, runs.log_tail):
        with pytest.raises(RunError, match="no run"):
            act(run_id)
    assert (outside / "run.json").exists()


def read_only(self, *arguments, exist_ok=False, **options):
    if not (exist_ok and self.is_dir()):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self))


def test_a_folder_that_cannot_be_written_is_an_error_a_person_can_read(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with monkeypatch.context() as patch:
        patch.setenv("VAE_RUNS", str(tmp_path / "file"))
        with pytest.raises(RunError, match="cannot be made: file exists"):
            runs.start(config(SHORT))
        patch.setenv("VAE_RUNS", str(tmp_path))
        patch.setattr(Path, "mkdir", read_only)  # by hand: the superuser may write into every folder
        with pytest.raises(RunError, match=f"cannot be written to {tmp_path}: read-only file system"):
            runs.start(config(SHORT))


def test_a_run_of_another_version_is_listed_without_its_config(root):
    run_id = runs.start(config(SHORT))
    wait_state(run_id, "done")
    (root / "old").mkdir()
    (root / "old" / "run.json").write_text('{"name": "old", "created": 5}')
    (root / "old" / "config.json").write_text('{"from": "another version"}')
    found = {run.name: run for run in runs.list_runs()}
    assert set(found) == {"old", "shapes-conv-10d"}
    assert found["old"].config is None and found["old"].state == "died"


def test_the_worker_refuses_a_folder_without_a_config_and_one_that_is_taken(root, tmp_path, capsys):
    assert worker_process.main([str(tmp_path)]) == 2
    run_id = runs.start(config(FOREVER))
    wait_state(run_id, "running")
    assert worker_process.main([str(root / run_id)]) == 2
    assert "Another process" in capsys.readouterr().out


def test_real_training_by_the_real_worker_leaves_a_model_that_opens(monkeypatch):
    monkeypatch.setattr(runs.start_stop_delete, "WORKER", "vae_core.training.worker_process")
    model = {"architecture": "mlp", "hidden": (16,), "latent_dim": 2}
    tiny = train_config(data={"name": "shapes", "limit": 500, "validation": 100}, model=model, epochs=2, device="cpu")
    run_id = runs.start(tiny, "real one")
    run = wait_state(run_id, "done")
    checkpoint = checkpoints.load(run.checkpoint)
    assert checkpoint.header.name == "real one" and "--latent-dim 2" in checkpoint.header.command
    assert run.elbo == max(row["elbo"] for row in read_tail(run.path / "metrics.jsonl") if row["kind"] == "validation")


def test_nothing_in_runs_imports_torch():
    code = "import sys, vae_core.runs, vae_core.model_files.model_list; assert not {'torch', 'numpy'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)

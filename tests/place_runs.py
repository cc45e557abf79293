"""Runs as they lie on the disk when their process is gone, without training anything."""

from vae_core import runs
from vae_core.config.schema import train_config
from vae_core.runs.metrics_log import MetricsWriter


def place_run(name, state="done", *, message="", created=1.0, rows=(), log="", checkpoint=None, **config):
    """A run as it lies on the disk when its process is gone."""
    run_dir = runs.runs_root() / name
    run_dir.mkdir()
    (run_dir / "config.json").write_text(train_config(**{"data": {"name": "shapes"}, **config}).model_dump_json())
    runs.write_json(run_dir / "run.json", {"name": name, "created": created})
    runs.write_json(run_dir / "status.json", {"state": state, "message": message, "started": created, "ended": created + 62})
    (run_dir / "log.txt").write_text(log)
    with MetricsWriter(run_dir / "metrics.jsonl") as metrics:
        for row in rows:
            metrics.write(row)
    if checkpoint is not None:
        (run_dir / "best.safetensors").write_bytes(checkpoint.read_bytes())
    return run_dir


def finished_rows(dims=4):
    yield {"kind": "start", "step": 0, "epoch": 0.0, "time": 1.0, "steps": 100, "epochs": 2, "parameters": 5, "device": "CPU"}
    for step in range(100):
        epoch = (step + 1) / 50
        if step % 50 == 0:
            yield {"kind": "validation", "step": step, "epoch": step / 50, "time": 2.0, "reconstruction": 90.0, "kl": 20.0,
                   "elbo": -110.0 + step / 50, "kl_per_dim": [5.0] * dims}  # fmt: skip
        yield {"kind": "step", "step": step, "epoch": epoch, "time": 2 + epoch, "reconstruction": 500 / (step + 1), "kl": 20.0,
               "elbo": -120.0, "loss": 130.0, "beta": 1.0, "lr": 0.1, "images_per_second": 1000.0}  # fmt: skip
    yield {"kind": "end", "step": 100, "epoch": 2.0, "time": 4.0, "state": "done", "message": "", "test_elbo": -109.5}


def paced_rows(seconds_per_epoch, epochs=4):
    """The numbers of a run whose epochs took so long by the clock, whatever its steps promised."""
    for row in range(10 * epochs + 1):
        yield {"kind": "step", "step": row, "epoch": row / 10, "time": 7 + row / 10 * seconds_per_epoch, "images_per_second": 1e5}

"""The real worker around a stand-in for training: locks, queue, signals and status are real, the numbers are not.

What it does is chosen by the config's seed: 0 counts until stopped, 1 ends after a few rows, 2 raises, 3 meets a full disk
after saving a checkpoint, 4 says that it diverged, 5 leaves a child of its own behind.
"""

import errno
import os
import subprocess
import sys
import time

from vae_core.runs.metrics_log import MetricsWriter
from vae_core.training import worker_process


def row(kind, step, epoch, **figures):
    return {"kind": kind, "step": step, "epoch": epoch, "time": epoch} | figures


def train(config, run_dir, *, should_stop, should_pause, changes, added_epochs, resumable, on_download, name, command):
    assert "torch" not in sys.modules, "torch was imported before it was this run's turn"
    with MetricsWriter(run_dir / "metrics.jsonl") as metrics:
        metrics.write(row("validation", 0, 0.0, elbo=-500.0, reconstruction=500.0, kl=0.0))
        (run_dir / "best.safetensors").write_bytes(b"good")
        if config.seed == 2:
            raise ValueError("no such thing")
        if config.seed == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "best.safetensors")
        if config.seed == 5:
            subprocess.Popen(["sleep", "30"], close_fds=False)
        for step in range(1, 10**9 if config.seed == 0 else 5):
            metrics.write(row("step", step, step / 100, reconstruction=100.0 / step, kl=1.0))
            if should_stop():
                metrics.write({"kind": "end", "state": "paused" if should_pause() else "stopped", "message": ""})
                return
            time.sleep(0.01)
        metrics.write(row("validation", 5, 1.0, elbo=-120.5, reconstruction=100.0, kl=20.5))
        end = {"state": "diverged", "message": "The loss was not finite at step 4."} if config.seed == 4 else {"state": "done"}
        metrics.write({"kind": "end"} | end)


if __name__ == "__main__":
    sys.exit(worker_process.main(sys.argv[1:], train=train))

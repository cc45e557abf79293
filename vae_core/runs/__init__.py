"""Training runs as folders: start, stop, rename, delete, list. Imports no torch."""

from vae_core.runs.files import is_alive, lock_within, try_lock, write_json, write_status
from vae_core.runs.lifecycle import LOCK_VARIABLE, delete, free_name, log_tail, rename, start, stop
from vae_core.runs.listing import RunName, RunStatus, State, list_names, list_runs, runs_ahead, runs_root, status
from vae_core.runs.names import MAX_NAME, check_name, suggest_name
from vae_core.runs.records import best_elbo

__all__ = [
    "LOCK_VARIABLE", "MAX_NAME", "RunName", "RunStatus", "State", "best_elbo", "check_name", "delete", "free_name", "is_alive",
    "list_names", "list_runs", "lock_within", "log_tail", "rename", "runs_ahead", "runs_root", "start", "status", "stop",
    "suggest_name", "try_lock", "write_json", "write_status",
]  # fmt: skip

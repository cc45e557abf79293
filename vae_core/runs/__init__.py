"""Training runs as folders: start, stop, rename, delete, list. Imports no torch."""

from vae_core.runs.json_files import best_elbo, least_error, write_json, write_status
from vae_core.runs.list_runs import (
    CHECKPOINT,
    RunName,
    RunStatus,
    State,
    checkpoint_path,
    list_names,
    list_runs,
    runs_root,
    status,
)
from vae_core.runs.lock import is_alive, lock_within, try_lock
from vae_core.runs.resume_and_change import change, current_settings, end_by_force, extend, pause, resume, resume_all
from vae_core.runs.run_names import MAX_NAME, check_name, suggest_name
from vae_core.runs.start_stop_delete import LOCK_VARIABLE, delete, free_name, log_tail, rename, start, stop

__all__ = [
    "CHECKPOINT", "LOCK_VARIABLE", "MAX_NAME", "RunName", "RunStatus", "State", "best_elbo", "change", "check_name",
    "checkpoint_path", "current_settings", "delete", "end_by_force", "extend", "free_name", "is_alive", "least_error",
    "list_names", "list_runs", "lock_within", "log_tail", "pause", "rename", "resume", "resume_all", "runs_root", "start",
    "status", "stop", "suggest_name", "try_lock", "write_json", "write_status",
]  # fmt: skip

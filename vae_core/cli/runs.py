"""`resume`, and `runs`: what the Train page's buttons do, for a terminal."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any, Literal

import typer

from vae_core import runs
from vae_core.cli.console import err, out, speaks
from vae_core.cli.train import bars
from vae_core.errors import RunError
from vae_core.runs import RunStatus, queue, trash
from vae_core.runs.metrics_log import MetricsFollower
from vae_core.runs.trash import Deleted

LOOK_SECONDS = 0.5
MOVES = {"up": -1, "down": 1, "first": -1_000_000, "last": 1_000_000}  # places in the queue
Run = Annotated[str, typer.Argument(help="The name of a run, or its id (its folder's name).", show_default=False)]

app = typer.Typer(help="Runs of the app: list, pause, stop, extend, change, move, delete, restore.", no_args_is_help=True)


def resume(
    run: Annotated[str | None, typer.Argument(help="The name of a run, or its id (its folder's name).")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every run that died, as after a restart of the computer.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it until it ends; Ctrl-C leaves it going.")] = False,
) -> None:
    """Let a run that was killed, stopped or paused go on from its last state, as if it had never been interrupted."""
    if (run is None) != everything:
        raise RunError("Name one run, or give --all for every run that died.")
    if run is None:
        count = runs.resume_all()
        _say(f"{count} {'run goes' if count == 1 else 'runs go'} on." if count else "No run has died.")
        return
    found = find(run)
    runs.resume(found.run_id)
    _say(f"{found.name} goes on in the background, when its turn has come. The Train page shows it.")
    if wait:
        _follow(found)


@app.command("list")
@speaks
def list_runs(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """List the runs, newest first, and what is in the trash."""
    everything = runs.list_runs()
    waiting = [run.run_id for run in queue.waiting(everything)]
    rows = [_row(run, waiting) for run in everything]
    deleted = [{"name": one.name, "id": one.run_id, "days_left": round(one.days_left, 1)} for one in trash.deleted_runs()]
    if as_json:
        out.print_json(json.dumps({"runs": rows, "trash": deleted}))
        return
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        parts = (
            _state_words(row, len(waiting)),
            f"{row['epoch']:.1f} of {row['epochs']} epochs" if row["epochs"] else "",
            "" if row["elbo"] is None else f"validation ELBO {row['elbo']:.1f}",
            row["id"],
        )
        _say(f"{row['name']:{width}}   {' · '.join(part for part in parts if part)}")
    for one in deleted:
        _say(f"In the trash for {one['days_left']:g} more days: {one['name']}")


@app.command("pause")
@speaks
def pause(run: Run) -> None:
    """End a run soon, so that `resume` goes on from there."""
    runs.pause(find(run).run_id)


@app.command("stop")
@speaks
def stop(run: Run) -> None:
    """End a run soon, measuring and keeping its best model."""
    runs.stop(find(run).run_id)


@app.command("extend")
@speaks
def extend(run: Run, epochs: Annotated[int, typer.Argument(help="How many more.", show_default=False)]) -> None:
    """Add epochs to a run; one that has ended goes on. A one-cycle learning rate begins another, lower cycle for them."""
    runs.extend(find(run).run_id, epochs)


@app.command("change")
@speaks
def change(
    run: Run,
    settings: Annotated[list[str], typer.Argument(help="Such as learning_rate=0.001 or beta=2.", show_default=False)],
) -> None:
    """Change the learning rate or a weight of the objective while a run goes."""
    values: dict[str, float] = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        try:
            values[name.strip().replace("-", "_")] = float(text)
        except ValueError:
            raise RunError(f"{setting!r} is no setting; write its name, =, and a number, such as learning_rate=0.001.") from None
    runs.change(find(run).run_id, **values)


@app.command("move")
@speaks
def move(
    run: Run,
    where: Annotated[Literal["up", "down", "first", "last"], typer.Argument(metavar="up|down|first|last", show_default=False)],
) -> None:
    """Move a run that waits for its turn: one place up or down, before all others or behind them."""
    found = find(run)
    queue.move(found.run_id, MOVES[where])
    waiting = [one.run_id for one in queue.waiting(runs.list_runs())]
    if found.run_id in waiting:  # else its turn has just come
        _say(f"{found.name} is number {waiting.index(found.run_id) + 1} of {len(waiting)} that wait.")


@app.command("delete")
@speaks
def delete(run: Run) -> None:
    """Move a run to the trash, where it stays for a week."""
    found = find(run)
    runs.delete(found.run_id)
    _say(f"{found.name} lies in the trash for {trash.DAYS} days; `runs restore` brings it back.")


@app.command("restore")
@speaks
def restore(run: Run) -> None:
    """Bring a run back from the trash."""
    one = _deleted(run)
    trash.restore(one.key)
    _say(f"{one.name} is back.")


@app.command("empty-trash")
@speaks
def empty_trash() -> None:
    """Remove for good what lies in the trash."""
    count = trash.empty()
    _say(f"{count} {'run' if count == 1 else 'runs'} removed for good.")


def find(name: str) -> RunStatus:
    """The run of this id or display name.

    Raises:
        RunError: there is none; the sentence lists the names.
    """
    everything = runs.list_runs()
    for run in everything:
        if name == run.run_id or name.casefold() == run.name.casefold():
            return run
    known = ", ".join(run.name for run in everything[:20]) or "none yet"
    raise RunError(f"There is no run {name[:100]!r}; choose from: {known}.")


def _deleted(name: str) -> Deleted:
    everything = trash.deleted_runs()
    for one in everything:
        if name in (one.run_id, one.key) or name.casefold() == one.name.casefold():
            return one
    known = ", ".join(one.name for one in everything[:20]) or "nothing"
    raise RunError(f"There is no run {name[:100]!r} in the trash, which holds: {known}.")


def _state_words(row: dict[str, Any], waiting: int) -> str:
    if row["place"] is not None:
        return f"waits, number {row['place']} of {waiting}"
    return f"{row['state']}, can be resumed" if row["resumable"] else row["state"]


def _row(run: RunStatus, waiting: list[str]) -> dict[str, Any]:
    epochs = run.config.epochs if run.config else None
    place = waiting.index(run.run_id) + 1 if run.run_id in waiting else None
    return {"name": run.name, "id": run.run_id, "state": run.state, "epoch": run.epoch, "epochs": epochs, "elbo": run.elbo,
            "resumable": run.resumable, "place": place, "message": run.message}  # fmt: skip


def _follow(run: RunStatus) -> None:
    follower = MetricsFollower(run.path / "metrics.jsonl")
    try:
        with bars() as (show, _):
            while True:
                live = runs.status(run.run_id).live  # before the rows: those of its end are then among them
                for row in follower.read()[0]:
                    show(row)
                if not live:
                    break
                time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        err.print("It goes on in the background.")
        return
    ended = runs.status(run.run_id)
    if ended.state not in ("done", "stopped", "paused"):
        raise RunError(ended.message or f"The run {ended.name!r} {ended.state}.")


def _say(sentence: str) -> None:
    out.print(sentence, markup=False, highlight=False)

"""The list of runs, newest first; a press on one shows it."""

from __future__ import annotations

import streamlit as st

from ui.train import compare_runs, run_actions, run_sentences, trash_list
from vae_core import runs
from vae_core.runs import RunStatus, queue

SHOWN = 30
ICONS = {
    "queued": ":material/schedule:",
    "running": ":material/play_circle:",
    "done": ":material/check_circle:",
    "stopped": ":material/stop_circle:",
    "paused": ":material/pause_circle:",
    "failed": ":material/error:",
    "died": ":material/error:",
    "unreadable": ":material/help:",
}


def run_list(everything: list[RunStatus], chosen: RunStatus | None) -> None:
    """Names and states, and below them the place to upload a checkpoint."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Runs**", width="stretch", help="A press on a run shows it. " + run_sentences.ELBO)
        st.caption(run_sentences.totals(everything), width="content")
        if len(everything) > 1 or compare_runs.comparing():
            compare_runs.box(chosen)
    if not everything:
        st.caption("None yet.")
    died = sum(run.state == "died" and run.resumable for run in everything)
    if died:
        st.button(f"{died} {'run' if died == 1 else 'runs'} died: resume {'it' if died == 1 else 'all'}", key="train.resume_all",
                  icon=":material/restart_alt:", width="stretch", on_click=run_actions.attempt, args=(runs.resume_all,),
                  help="Each goes on from its last saved state, one after the other.")  # fmt: skip
    limit = None if st.session_state.get("train.all") else SHOWN
    with st.container(gap=None, key="train_runs"):
        places = [run.run_id for run in queue.waiting(everything)]
        for run in everything[:limit]:
            is_chosen = chosen is not None and run.run_id == chosen.run_id and not compare_runs.comparing()
            with st.container(gap=None, key="train_chosen" if is_chosen else None):
                _row(run, f", number {places.index(run.run_id) + 1}" if run.run_id in places and len(places) > 1 else "")
    if limit and len(everything) > limit:
        st.checkbox(f"Show all {len(everything)}", key="train.all")
    trash_list.trash_list()
    run_actions.upload()


def _row(run: RunStatus, place: str) -> None:
    if compare_runs.comparing():
        compare_runs.tick(run)
    else:
        icon = ":material/hourglass_disabled:" if run.stalled else ICONS[run.state]
        st.button(run.name, key=f"train.show.{run.run_id}", type="tertiary", icon=icon, on_click=_show, args=(run.run_id,))
    line = run_sentences.state_line(run) + place
    st.caption(f":red[{line}]" if run.state in ("failed", "died", "unreadable") else line)


def _show(run_id: str) -> None:
    st.query_params["run"] = run_id

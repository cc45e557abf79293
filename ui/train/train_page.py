"""Train: a form, the run as it goes, and the list of runs.

Nothing about a run lives here or in the session: everything is read from the runs' folders, so a reload, a second tab or a
restarted server finds it again. `?run=ID` in the address names the run that is shown, `?compare=ID,ID` those that are compared.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui.server.worker_threads import cores
from ui.shared import user_session
from ui.train import compare_runs, form, metrics_history, run_actions, run_list, run_panel, run_sentences, train_again
from ui.train.own_pictures import import_panel, panel_address
from vae_core import runs
from vae_core.runs import RunStatus

SOONEST = 0.8  # seconds between two looks, while something runs
LOOK = 0.09  # seconds of a processor that a look takes (benchmarks/watch_training.py)
SHARE = 0.02  # of the processors, which a training on them may lose to being watched
WAS_LIVE = "train.was_live"  # bool: there was something to wait for when the page was drawn, so it looks again by itself


def page() -> None:
    user_session.prepare()
    run_actions.fulfil()
    train_again.fulfil()
    st.html(Path(__file__).parent / "train.css")
    if panel_address.is_open():
        import_panel.panel(form.use_images)
        return
    left, rest = st.columns([25, 75], gap="small")
    with rest:
        st.session_state[WAS_LIVE] = busy = looks_again(runs.list_runs())
        st.fragment(watch, run_every=look_again() if busy else None)()
    with left, st.container(border=True, key="train_form"):
        form.form()  # last: on a new server its estimate waits for torch, which a run that goes need not


def look_again() -> float:
    """Seconds between two looks: the fewer processors, the longer."""
    return max(SOONEST, LOOK / (SHARE * cores()))


def watch() -> None:
    """The chosen run and the list; redraws itself while something runs, and the page when that changes."""
    if st.session_state.get(run_actions.TO_EXPLORE) is not None or st.session_state.get(train_again.FILL):
        st.rerun(scope="app")  # only a run of the whole page can go to another one, or fill the form
    everything = runs.list_runs()
    chosen = choose(everything)
    middle, right = st.columns([68, 32], gap="small")
    with middle, st.container(border=True, key="train_live"):
        run_actions.notice()
        if compare_runs.comparing():
            compare_runs.panel(everything)
        elif chosen is None:
            st.info(run_sentences.NO_RUNS, icon=":material/show_chart:")
        else:
            run_panel.live(chosen, everything)
    with right, st.container(border=True, key="train_list"):
        run_list.run_list(everything, chosen)
    # Last: a button pressed in the moment in which a run ends is heard by this look, and the next one has forgotten it.
    if looks_again(everything) != st.session_state[WAS_LIVE]:
        st.rerun(scope="app")


def looks_again(everything: list[RunStatus]) -> bool:
    """Whether something runs, or a history is too long to have been read at one look."""
    chosen = choose(everything)
    shown = compare_runs.runs_of(everything) if compare_runs.comparing() else [chosen] if chosen else []
    return any(run.live for run in everything) or any(map(metrics_history.behind, shown))


def choose(everything: list[RunStatus]) -> RunStatus | None:
    """The run in the address, else the one that runs, else the newest."""
    wanted = st.query_params.get("run")
    named = next((run for run in everything if run.run_id == wanted), None)
    running = next((run for run in everything if run.state == "running"), None)
    return named or running or next(iter(everything), None)


page()

"""Imports that go on: how far each is, its remaining time, a button that stops it. They are processes of their own.

Everything is read from the imports themselves, so a reload, a second tab or a restarted server finds them again.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ui.shared import error_sentences
from ui.shared.plain_text import plain
from ui.train.own_pictures import panel_address
from ui.train.run_sentences import about
from vae_core.import_images import ImportJob, forget_import, import_jobs, stop_import

Use = Callable[[str], None]
EXPECTED = "own.expected"  # list[str]: imports that this session began and whose end it has not seen
SEEN = "own.seen"  # set[str]: imports that this session has shown; they may have begun before a reload, or before the server
KEPT = "own.kept"  # str: what the page has not told yet of a dataset that is ready
LOOK_AGAIN = 0.5  # seconds, while something is imported


def expect(job: str) -> None:
    """This session waits for that import: its dataset is then chosen in the form."""
    st.session_state[EXPECTED] = [*st.session_state.get(EXPECTED, []), job]


def progress(use: Use) -> None:
    """Every import that goes on or went wrong; looks again by itself while one goes on."""
    if words := st.session_state.pop(KEPT, ""):
        st.toast(words, icon=":material/check:")
    going = any(job.live for job in import_jobs())
    st.fragment(_rows, run_every=LOOK_AGAIN if going else None)(use, going)


def _rows(use: Use, waited: bool) -> None:
    jobs = import_jobs()
    expected, seen = st.session_state.get(EXPECTED, []), st.session_state.setdefault(SEEN, set())
    ready = [job for job in jobs if job.state == "done" and job.id in {*expected, *seen}]
    for job in ready:
        seen.discard(job.id)
        st.session_state[KEPT] = f"{plain(job.name)} is kept."
        if job.id in expected:
            expected.remove(job.id)
            use(job.name)
            panel_address.close_empty_panel()
            st.session_state[KEPT] = f"{plain(job.name)} is kept, and chosen in the form."
    going = [job for job in jobs if job.live]
    seen.update(job.id for job in going)
    if ready or (waited and not going):
        st.rerun(scope="app")
    for job in jobs:
        if job.live:
            _going(job)
        elif job.state in ("failed", "died"):
            _failed(job)


def _going(job: ImportJob) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"own_job_{job.id}"):
        left = "" if job.seconds_left is None else f" · {about(job.seconds_left)} left"
        share = job.done / job.total if job.total else 0.0
        counted = f"{job.done:,} of {job.total:,}" if job.total else "beginning"
        st.progress(min(1.0, share), text=f"Importing {plain(job.name)}: {counted}{left}", width="stretch")
        st.button("Stop", key=f"own.stop.{job.id}", icon=":material/stop:", on_click=_stop, args=(job.id,),
                  help="Nothing of it is kept.")  # fmt: skip


def _failed(job: ImportJob) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"own_job_{job.id}"):
        st.error(f"{plain(job.name)} was not kept. {plain(job.message)}", icon=":material/error:", width="stretch")
        st.button("Dismiss", key=f"own.dismiss.{job.id}", type="tertiary", on_click=_dismiss, args=(job.id,))


def _stop(job: str) -> None:
    try:
        stop_import(job)
        st.toast("Stopping. Nothing of it is kept.")
    except (ValueError, OSError) as error:
        st.toast(error_sentences.explain(error).what)


def _dismiss(job: str) -> None:
    forget_import(job)

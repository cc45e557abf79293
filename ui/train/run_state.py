"""How a run stands, in one line or a bar, and where it did not end well the next step."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.shared.plain_text import plain
from ui.train import form, run_sentences, trash_list
from ui.train.metrics_history import History
from ui.train.run_actions import attempt
from vae_core import runs
from vae_core.config.live_settings import LEARNING_RATE
from vae_core.data.stored_images import available
from vae_core.runs import RunStatus, queue


def state(run: RunStatus, history: History, everything: list[RunStatus]) -> None:
    """Below the head of the run's panel."""
    if run.parent:
        st.caption(run_sentences.origin(run, everything))
    if run.state == "queued":
        _queued(run, everything)
    elif run.state == "running":
        if run.stalled:
            _stalled(run)
        _progress(run, history)
    elif run.state == "unreadable":
        st.error(run_sentences.unreadable(run), icon=":material/help:")
    elif run.state in ("failed", "died"):
        _bad_end(run)
    elif run.state == "paused":
        st.info(run_sentences.paused(run), icon=":material/pause_circle:")
    else:
        meaning = run_sentences.MEANINGS["error"] if run_sentences.is_autoencoder(run) else run_sentences.ELBO
        st.caption(_summary(run, history), help=meaning)


def _queued(run: RunStatus, everything: list[RunStatus]) -> None:
    waiting = queue.waiting(everything)
    place = next((place for place, other in enumerate(waiting) if other.run_id == run.run_id), 0)
    st.info(run_sentences.queued(place + sum(other.state == "running" for other in everything)), icon=":material/schedule:")
    if len(waiting) > 1:
        with st.container(horizontal=True, gap="small"):
            st.button("Earlier", key=f"train.earlier.{run.run_id}", icon=":material/arrow_upward:", disabled=place == 0,
                      on_click=attempt, args=(queue.move, run.run_id, -1))  # fmt: skip
            st.button("Later", key=f"train.later.{run.run_id}", icon=":material/arrow_downward:",
                      disabled=place == len(waiting) - 1, on_click=attempt, args=(queue.move, run.run_id, 1))  # fmt: skip


def _stalled(run: RunStatus) -> None:
    st.warning(run_sentences.STALLED.format(minutes=run_sentences.duration(run.quiet)), icon=":material/hourglass_disabled:")
    st.button("End it by force", key=f"train.force.{run.run_id}", icon=":material/dangerous:", on_click=attempt,
              args=(runs.end_by_force, run.run_id), help="Resume then goes on from its last saved state.")  # fmt: skip


def _progress(run: RunStatus, history: History) -> None:
    if not history.start:
        last = (runs.log_tail(run.run_id, 1) or run_sentences.STARTING)[:200]
        st.progress(0.0, text=plain(last))
        return
    left = history.seconds_left
    parts = [
        run_sentences.epoch_of(run),
        f"{history.rate:,.0f} images/s" if history.rate else "",
        "stopping" if run.stopping else "saving" if history.end or history.progress == 1 else "",
        f"{run_sentences.duration(left)} left" if left is not None and not (run.stopping or run.stalled) else "",
        str(history.start.get("device", "")),
    ]
    st.progress(history.progress, text=" · ".join(part for part in parts if part))


def _bad_end(run: RunStatus) -> None:
    st.error(run_sentences.advice(run), icon=":material/error:")
    _next_step(run)
    log = runs.log_tail(run.run_id, 12)
    if log:
        st.caption("The last lines of its log")
        st.code(log, language=None, wrap_lines=True)


def _next_step(run: RunStatus) -> None:
    """The one that the reason asks for; Resume stands in the head."""
    if run.config and not available(run.config.data.name):
        st.button("Choose coloured shapes instead", key="train.shapes", on_click=form.use_images, args=("shapes",),
                  icon=":material/category:")  # fmt: skip
    if run.reason == "diverged" and run.resumable:
        title, calm = f"Go on at a learning rate of {_calmer(run):.2g}", ":material/trending_down:"
        st.button(title, key=f"train.calmer.{run.run_id}", icon=calm, on_click=attempt, args=(_resume_calmer, run),
                  help="A third of the last one, from the last saved state.")  # fmt: skip
    if run.reason == "disk":
        trash_list.empty_button("train.disk")


def _calmer(run: RunStatus) -> float:
    return float(f"{runs.current_settings(run)[LEARNING_RATE] / 3:.2g}")


def _resume_calmer(run: RunStatus) -> None:
    runs.change(run.run_id, **{LEARNING_RATE: _calmer(run)})
    runs.resume(run.run_id)


def _summary(run: RunStatus, history: History) -> str:
    """One line about a run that ended well."""
    end: dict[str, Any] = history.end
    test = f"test ELBO {run_sentences.nats(end['test_elbo'])}" if end.get("test_elbo") is not None else ""
    unit = "nats"
    if run_sentences.is_autoencoder(run):
        unit = "per image"
        test = f"test error {end['test_reconstruction']:.2f}" if end.get("test_reconstruction") is not None else ""
    elbos = ", ".join(part for part in (test, run_sentences.best(run)) if part)
    active = f"{end['test_active_units']:.0f} active dimensions" if end.get("test_active_units") is not None else ""
    state = run_sentences.stopped(run).capitalize() if run.state == "stopped" else "Done"
    message = run.message if run.state != "stopped" and not run.checkpoint else ""
    parts = (state, message, f"{elbos} {unit}" if elbos else "", active, run_sentences.duration(run.seconds))
    return " · ".join(part for part in parts if part)

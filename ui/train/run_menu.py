"""The menu of one run: what is wanted less often than stopping, resuming and exploring."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import streamlit as st

from ui.server import download_route
from ui.train import train_again
from vae_core import runs
from vae_core.config.live_settings import labels
from vae_core.runs import RunStatus

Attempt = Callable[..., None]  # does something with arguments, and says on the page what went wrong
MORE_EPOCHS = 4  # to begin with
CHANGE = "A run takes them over within a second; the change is marked on its curves. Of a one-cycle rate it is the highest value."
EXTEND = (
    "A one-cycle learning rate begins another cycle with a third of its peak for them; a constant one stays. Until it is better "
    "than the best epoch so far, that one is kept."
)


def menu(run: RunStatus, attempt: Attempt) -> None:
    """All but deleting."""
    readable = run.state != "unreadable" and run.config is not None
    if readable and (run.live or run.resumable):
        _change(run, attempt)
    if readable and (run.live or run.has_state):
        _extend(run, attempt)
    if readable:
        st.button("Train again, but …", key=f"train.again.{run.run_id}", icon=":material/content_copy:", width="stretch",
                  on_click=train_again.ask, args=(run,), help="Fills the form with the settings of this run.")  # fmt: skip
    if run.state != "unreadable":
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            name = st.text_input("Name", run.name, key=f"train.rename.{run.run_id}.{run.name}")
            st.button("Rename", key=f"train.rename_go.{run.run_id}", disabled=name == run.name, on_click=attempt,
                      args=(runs.rename, run.run_id, name))  # fmt: skip
    if run.checkpoint is not None:
        name = escape(f"{run.name}.safetensors")
        st.html(f'<a class="lw-download" href="{download_route.link(run.run_id)}" download="{name}">Download the model</a>')


def _change(run: RunStatus, attempt: Attempt) -> None:
    assert run.config is not None
    now, typed, titles = runs.current_settings(run), {}, labels(run.config)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for name, value in now.items():
            typed[name] = st.number_input(titles[name], value=value, step=value / 10 or 0.1, format="%g",
                                          key=f"train.change.{name}.{run.run_id}.{value}", help=CHANGE)  # fmt: skip
        changed = {name: value for name, value in typed.items() if value is not None and value != now[name]}
        st.button("Change", key=f"train.change_go.{run.run_id}", disabled=not changed, on_click=attempt,
                  args=(_set, run.run_id, changed))  # fmt: skip


def _set(run_id: str, settings: dict[str, Any]) -> None:
    runs.change(run_id, **settings)


def _extend(run: RunStatus, attempt: Attempt) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        key = f"train.epochs.{run.run_id}.{len(run.added_epochs)}"
        more = st.number_input("More epochs", min_value=1, max_value=2000, value=MORE_EPOCHS, key=key, help=EXTEND)
        st.button("Extend", key=f"train.extend.{run.run_id}", on_click=attempt, args=(runs.extend, run.run_id, int(more)))

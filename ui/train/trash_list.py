"""Deleted runs below the list: restore one, or make room by removing them for good."""

from __future__ import annotations

import streamlit as st

from ui.shared.plain_text import plain
from ui.train import run_sentences
from ui.train.run_actions import attempt, restore
from vae_core.runs import trash
from vae_core.runs.trash import Deleted

SHOWN = 20


def trash_list() -> None:
    """Nothing while the trash is empty; folded away otherwise, which costs nothing."""
    deleted = trash.deleted_runs()
    if not deleted:
        return
    fold = st.expander(f"Trash ({len(deleted)})", key="train.trash", on_change="rerun", icon=":material/delete:")
    if fold.open:
        with fold:
            for one in deleted[:SHOWN]:
                _row(one)
            if len(deleted) > SHOWN:
                st.caption(f"and {len(deleted) - SHOWN} more")
            empty_button("train.trash")


def _row(one: Deleted) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"**{plain(one.name)}**  \n{run_sentences.days(one.days_left)} left", width="stretch")
        st.button("Restore", key=f"train.restore.{one.key}", on_click=attempt, args=(restore, one.key), type="tertiary",
                  icon=":material/restore_from_trash:")  # fmt: skip


def empty_button(key: str) -> None:
    """Makes room, after saying how much; asks first, for this cannot be undone."""
    if not trash.deleted_runs():
        return
    with st.popover("Empty the trash", key=f"{key}.empty", icon=":material/delete_forever:"):
        megabytes = trash.size(trash.folder()) / 1e6
        amount = f"{megabytes:,.0f} MB" if megabytes >= 1 else "Less than 1 MB"
        st.markdown(f"{amount} of deleted runs and their models will be gone for good.")
        st.button("Remove them", key=f"{key}.empty_go", type="primary", on_click=attempt, args=(trash.empty,))

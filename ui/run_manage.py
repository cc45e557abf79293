"""What can be done with one run: stop, explore, rename, download, delete; and uploading a checkpoint."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ui import state, words
from vae_core import registry, runs
from vae_core.errors import LatentWalkError
from vae_core.runs import RunStatus

EXPLORE = "pages/explore.py"
NOTICE = "train.notice"  # str: why the last action was refused
UPLOADED = "train.uploaded"  # (is it good, sentence) about the last upload


def notice() -> None:
    """Why the last action was refused, if it was."""
    if NOTICE in st.session_state:
        st.warning(st.session_state[NOTICE], icon=":material/info:")


def buttons(run: RunStatus) -> None:
    """In the head of a run's panel."""
    if run.live:
        st.button("Stop", key=f"train.stop.{run.run_id}", icon=":material/stop:", disabled=run.stopping,
                  on_click=_attempt, args=(runs.stop, run.run_id), help="Ends soon and keeps the best model.")  # fmt: skip
    if run.checkpoint and st.button("Explore", key=f"train.explore.{run.run_id}", icon=":material/explore:", type="primary"):
        entry = registry.model_of_run(run.run_id)
        if entry is not None:
            open_model(entry.name)
    with st.popover("More", key=f"train.more.{run.run_id}"):
        _more(run)


def open_model(name: str) -> None:
    """Goes to the Explore page with this model."""
    state.choose_model(name)
    st.switch_page(EXPLORE)


def _more(run: RunStatus) -> None:
    if run.state != "unreadable":
        name = st.text_input("Name", run.name, key=f"train.rename.{run.run_id}.{run.name}")
        st.button("Rename", key=f"train.rename_go.{run.run_id}", disabled=name == run.name, on_click=_attempt,
                  args=(runs.rename, run.run_id, name))  # fmt: skip
        st.divider()
    if run.checkpoint is not None:
        st.download_button("Download the checkpoint", run.checkpoint.read_bytes, f"{run.name}.safetensors", on_click="ignore",
                           key=f"train.download.{run.run_id}", icon=":material/download:")  # fmt: skip
    sure = st.checkbox("Yes, delete this run and its model", key=f"train.sure.{run.run_id}", disabled=run.live)
    st.button("Delete", key=f"train.delete.{run.run_id}", icon=":material/delete:", disabled=run.live or not sure,
              on_click=_delete, args=(run.run_id,), help="A run has to be stopped first." if run.live else None)  # fmt: skip


def upload() -> None:
    """The place to drop a checkpoint file, and what became of the last one."""
    st.file_uploader("Upload a checkpoint", type=["safetensors"], key=_uploader_key(), on_change=_take_upload,
                     help="A .safetensors file saved by this program; it is checked before it is accepted.")  # fmt: skip
    good, sentence = st.session_state.get(UPLOADED, (True, ""))
    if sentence:
        (st.success if good else st.error)(sentence, icon=":material/check:" if good else ":material/error:")
    for entry in registry.list_models():
        if entry.origin == "uploaded":
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                if st.button(entry.name, key=f"train.upload.{entry.path.name}", type="tertiary", help="Explore this model"):
                    open_model(entry.name)
                st.button("Delete", key=f"train.upload_delete.{entry.path.name}", type="tertiary", icon=":material/delete:",
                          on_click=_attempt, args=(registry.delete_upload, entry.name))  # fmt: skip


def _uploader_key() -> str:
    """A new widget after each file, so that the same file can be tried again."""
    return f"train.upload.{st.session_state.get('train.uploads', 0)}"


def _take_upload() -> None:
    file = st.session_state.get(_uploader_key())
    if file is None:
        return
    try:
        entry = registry.add_upload(file.getvalue(), file.name)
        st.session_state[UPLOADED] = (True, f"{entry.name} is ready to explore.")
    except LatentWalkError as error:
        st.session_state[UPLOADED] = (False, f"Refused: {error}")
    st.session_state["train.uploads"] = st.session_state.get("train.uploads", 0) + 1


def _delete(run_id: str) -> None:
    _attempt(runs.delete, run_id)
    if NOTICE not in st.session_state and st.query_params.get("run") == run_id:
        del st.query_params["run"]


def _attempt(act: Callable[..., None], *arguments: str) -> None:
    """Does it; what goes wrong is said on the page until the next attempt."""
    st.session_state.pop(NOTICE, None)
    try:
        act(*arguments)
    except (LatentWalkError, OSError) as error:
        st.session_state[NOTICE] = words.explain(error).what

"""What can be done with one run: the main actions in its head, the others in a menu; and uploading a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from ui.shared import error_sentences, user_session
from ui.shared.plain_text import plain
from ui.train import imported_decoder, run_menu, train_again
from vae_core import runs
from vae_core.errors import LatentWalkError
from vae_core.model_files import model_list
from vae_core.runs import RunStatus, trash
from vae_core.runs.snapshot_files import model_path
from vae_core.system.open_untrusted_file import is_regular

EXPLORE = "explore/explore_page.py"
NOTICE = "train.notice"  # str: why the last action was refused
DELETED = "train.deleted"  # str: id of the run that was deleted last, which can be undone
NO_MODEL = "The model of this run is not there: it may have been deleted. The list shows every run and its state."
TO_EXPLORE = "train.to_explore"  # str: id of the run whose model was asked for
UPLOADS = "train.uploads"  # int: files taken so far
UPLOADED = "train.uploaded"  # (is it good, sentence) about the last upload
PAUSE = "Ends soon and keeps its place: the computer is free, and Resume goes on from there as if nothing had happened."
STOP = "Ends soon, measures the best model on the test images and keeps it."
RESUME = "Goes on from the last saved state, as if it had never been interrupted."
RESTART = "It had hardly begun: it starts again from the beginning."
STOP_FIRST = "A run has to be stopped first."
UPLOAD = (
    "A .safetensors file saved by this program, or a decoder from elsewhere: an .onnx file with one input, z (N, D), and one "
    "output, the image. Either is checked before it is accepted."
)
READY = "{name} is ready to explore."
DELETE = "Moves the run and its model to the trash, where it stays for a week."


def notice() -> None:
    """Why the last action was refused, if it was; and the way back from a deletion."""
    if sentence := st.session_state.get(NOTICE):
        st.warning(sentence, icon=":material/info:")
    gone = next((one for one in trash.deleted_runs() if one.run_id == st.session_state.get(DELETED)), None)
    if gone is not None:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="train_deleted"):
            st.caption(f"**{plain(gone.name)}** lies in the trash for a week.", width="stretch")
            st.button("Undo", key=f"train.undo.{gone.key}", icon=":material/undo:", on_click=attempt, args=(restore, gone.key))


def buttons(run: RunStatus) -> None:
    """In the head of a run's panel."""
    if run.live:
        st.button("Pause", key=f"train.pause.{run.run_id}", icon=":material/pause:", disabled=run.stopping,
                  on_click=attempt, args=(runs.pause, run.run_id), help=PAUSE)  # fmt: skip
        st.button("Stop", key=f"train.stop.{run.run_id}", icon=":material/stop:", disabled=run.stopping,
                  on_click=attempt, args=(runs.stop, run.run_id), help=STOP)  # fmt: skip
    elif run.resumable:
        st.button("Resume", key=f"train.resume.{run.run_id}", icon=":material/resume:", on_click=attempt,
                  args=(runs.resume, run.run_id), help=RESUME if run.has_state else RESTART)  # fmt: skip
    if is_regular(model_path(run.path)):
        st.button("Explore", key=f"train.explore.{run.run_id}", icon=":material/explore:", type="primary",
                  on_click=_to_explore, args=(run.run_id,), help="Walk through what this model has learnt so far.")  # fmt: skip
    with st.popover("More", key=f"train.more.{run.run_id}.{st.session_state.get(train_again.ASKED, 0)}"):
        run_menu.menu(run, attempt)
        st.button("Delete", key=f"train.delete.{run.run_id}", icon=":material/delete:", disabled=run.live, width="stretch",
                  on_click=_delete, args=(run.run_id,), help=STOP_FIRST if run.live else DELETE)  # fmt: skip


def _to_explore(run_id: str) -> None:
    """Remembers which model is wanted: a press whose page run is broken off is then fulfilled by the next one."""
    st.session_state[TO_EXPLORE] = run_id


def fulfil() -> None:
    """Goes to the Explore page if a run's model was asked for; the first thing each run of the page does."""
    run_id = st.session_state.get(TO_EXPLORE)
    if run_id is None:
        return
    entry = model_list.model_of_run(run_id)
    if entry is None:
        st.session_state[NOTICE] = NO_MODEL
        del st.session_state[TO_EXPLORE]
        return
    user_session.choose_model(entry.name)
    del st.session_state[TO_EXPLORE]
    st.switch_page(EXPLORE)


def open_model(name: str) -> None:
    """Goes to the Explore page with this model."""
    user_session.choose_model(name)
    st.switch_page(EXPLORE)


def upload() -> None:
    """The place to drop a model file or a decoder from elsewhere, and what became of the last one."""
    key = f"train.upload.{st.session_state.get(UPLOADS, 0)}"
    file = st.file_uploader("Upload a model", type=["safetensors", "onnx"], key=key, help=UPLOAD,
                            max_upload_size=model_list.MAX_UPLOAD_BYTES // 10**6)  # fmt: skip
    if file is not None:
        _take_upload(file.getvalue(), file.name)
    good, sentence = st.session_state.get(UPLOADED, (True, ""))
    if sentence:
        (st.success if good else st.error)(sentence, icon=":material/check:" if good else ":material/error:")
    imported_decoder.panel(_kept)
    for entry in model_list.list_models():
        if entry.origin == "uploaded":
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                if st.button(entry.name, key=f"train.upload.{entry.path.name}", type="tertiary", help="Explore this model"):
                    open_model(entry.name)
                imported_decoder.correct(entry, attempt)
                st.button("Delete", key=f"train.upload_delete.{entry.path.name}", type="tertiary", icon=":material/delete:",
                          on_click=_delete_upload, args=(entry.name,))  # fmt: skip


def _take_upload(data: bytes, name: str) -> None:
    """Checks a file and keeps it. Done in the run itself: were this one broken off, the next one finds the file still there."""
    try:
        if name.lower().endswith(imported_decoder.SUFFIX):
            imported_decoder.take(data, name)
            said = (True, "")
        else:
            said = (True, READY.format(name=model_list.add_upload(data, name).name))
    except LatentWalkError as error:
        said = (False, f"Refused: {error}")
    # A new widget after each file, so that the same file can be tried again.
    st.session_state.update({UPLOADED: said, UPLOADS: st.session_state.get(UPLOADS, 0) + 1})
    st.rerun()


def _kept(name: str) -> None:
    st.session_state[UPLOADED] = (True, READY.format(name=name))


def _delete(run_id: str) -> None:
    """Moves a run to the trash; that a second press finds it gone is no trouble."""
    trouble = _tried(runs.delete, run_id)
    gone = all(run.run_id != run_id for run in runs.list_runs())
    st.session_state[NOTICE] = "" if gone else trouble
    st.session_state[DELETED] = run_id
    if gone and st.query_params.get("run") == run_id:
        del st.query_params["run"]


def restore(key: str) -> None:
    """Brings a run back from the trash, and shows it."""
    st.query_params["run"] = trash.restore(key)
    st.session_state[DELETED] = None


def _delete_upload(name: str) -> None:
    trouble = _tried(model_list.delete_upload, name)
    gone = all(entry.name != name for entry in model_list.list_models())
    st.session_state[NOTICE] = "" if gone else trouble


def attempt(act: Callable[..., Any], *arguments: Any) -> None:
    """Does it; what goes wrong is said on the page until the next attempt."""
    trouble = _tried(act, *arguments)
    st.session_state[NOTICE] = trouble


def _tried(act: Callable[..., Any], *arguments: Any) -> str:
    """Does it, and says what went wrong.

    The deed comes before anything touches the session: there Streamlit breaks a callback off, for good, after another press.
    """
    try:
        act(*arguments)
    except (LatentWalkError, OSError) as error:
        return error_sentences.explain(error).what
    return ""

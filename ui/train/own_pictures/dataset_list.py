"""The datasets that were made of own pictures: what each holds, its size on disk; train on it, rename it, delete it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ui.shared import error_sentences
from ui.shared.plain_text import plain
from ui.train.own_pictures.preview_html import files, size
from vae_core.data import own_datasets
from vae_core.data.catalog import DatasetInfo
from vae_core.errors import LatentWalkError
from vae_core.import_images import models_of, runs_of

NOTICE = "own.notice"  # str: why the last action was refused
EMPTY = "None yet. Pictures that you add and keep are listed here, and in the form like the built-in images."
MOST_NAMED = 8  # models in a sentence


def datasets(use: Callable[[str], None], close: Callable[[], None]) -> None:
    """A row for each."""
    everything = own_datasets.list_own()
    st.markdown("**Your datasets**")
    if notice := st.session_state.get(NOTICE):
        st.warning(notice, icon=":material/info:")
    if not everything:
        st.caption(EMPTY)
    for own in everything:
        name = own.info.name
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"own_row_{name}"):
            with st.container(gap=None):
                st.markdown(f"**{plain(name)}**")
                st.caption(f"{described(own.info)} · {size(own.bytes)}")
            if st.button("Train on it", key=f"own.use.{name}", icon=":material/play_arrow:"):
                use(name)
                close()
                st.rerun()
            with st.popover("More", key=f"own.more.{name}"):
                _more(name)


def described(info: DatasetInfo) -> str:
    """What a dataset holds: "1,204 pictures, 64×64 colour, 12 classes"."""
    count = info.training_images + info.test_images
    colours = "colour" if info.channels == 3 else "grey"
    classes = f", {len(info.classes)} class{'es' if len(info.classes) != 1 else ''}" if info.classes else ""
    return f"{files(count)}, {info.width}×{info.height} {colours}{classes}"


def _more(name: str) -> None:
    new = st.text_input("Name", name, key=f"own.rename.{name}")
    trouble = _cannot_be_called(new) if new != name else ""
    if trouble:
        st.caption(f":red[{trouble}]")
    st.button("Rename", key=f"own.rename_go.{name}", disabled=new == name or bool(trouble), on_click=_attempt,
              args=(own_datasets.rename_own, name, new))  # fmt: skip
    st.divider()
    sure = st.checkbox("Yes, delete these pictures", key=f"own.sure.{name}")
    if sure:  # only then: to find it out every model is looked at
        for sentence in _depends_on_it(name):
            st.caption(sentence)
    st.button("Delete", key=f"own.delete.{name}", icon=":material/delete:", disabled=not sure, on_click=_attempt,
              args=(own_datasets.delete_own, name))  # fmt: skip


def _cannot_be_called(name: str) -> str:
    try:
        own_datasets.check_free(own_datasets.check_own_name(name))
    except LatentWalkError as error:
        return str(error)
    return ""


def _depends_on_it(name: str) -> list[str]:
    """What is lost with a dataset, before it is deleted."""
    found = []
    if working := [run.name for run in runs_of(name)]:
        found.append(f"Runs that need these pictures and will fail without them: {_named(working)}.")
    if models := models_of(name):
        lost = "They stay and can be explored, but without test images and nearest images."
        found.append(f"Models trained on them: {_named(models)}. {lost}")
    return found or ["No model and no run was made from them."]


def _named(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(map(plain, names[:MOST_NAMED])) + more


def _attempt(act: Callable[..., object], *arguments: str) -> None:
    """Does it; what goes wrong is said on the page until the next attempt."""
    trouble = ""
    try:
        act(*arguments)
    except (LatentWalkError, OSError) as error:
        trouble = error_sentences.explain(error).what
    st.session_state[NOTICE] = trouble

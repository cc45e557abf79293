""" "Train again, but ...": the form filled with a run's settings. What the form does not show is taken over as it was."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.shared.plain_text import plain
from ui.train import form_fields
from vae_core.data.catalog import find_dataset
from vae_core.runs import RunStatus

AGAIN = "train.again"  # dict: id, name and config of the run that the form was filled from
FILL = "train.fill"  # bool: the fields are still to be set, which must happen before they are drawn
ASKED = "train.asked"  # int: how often; the menu in which it was asked closes by it
GONE = "The images of that run, **{images}**, are not there any more: they were deleted. Choose which ones to train on instead."
SHAPE = ("height", "width", "channels")  # of the images, whichever are chosen


def ask(run: RunStatus) -> None:
    """Fills the form when it is drawn next."""
    if run.config is not None:
        st.session_state[AGAIN] = {"run_id": run.run_id, "name": run.name, "config": run.config.model_dump(mode="json")}
        st.session_state[FILL] = True
        st.session_state[ASKED] = st.session_state.get(ASKED, 0) + 1


def parent() -> str | None:
    """Id of the run that the form was filled from."""
    again = st.session_state.get(AGAIN)
    return again["run_id"] if again else None


def forget() -> None:
    """The form is one of a new run again; its fields stay as they are."""
    st.session_state.pop(AGAIN, None)


def _start_afresh() -> None:
    """Back to where the form begins."""
    for path, _ in [*_flat(st.session_state[AGAIN]["config"]), ("name", "")]:
        st.session_state.get(form_fields.SAVED, {}).pop(path, None)
        if form_fields.is_field(path):
            _set(path, form_fields.kept(path))
    forget()


def fulfil() -> None:
    """Sets the fields if that was asked for; among the first things each run of the page does."""
    if st.session_state.pop(FILL, False):
        for path, value in _flat(st.session_state[AGAIN]["config"]):
            _set(path, value)
        _set("name", "")


def say_where_from() -> None:
    """First in the form: whose settings these are."""
    again = st.session_state.get(AGAIN)
    if again is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="train_again"):
        st.caption(f"As **{plain(again['name'])}**, but …", width="stretch")
        st.button("Defaults", key="train.again.forget", type="tertiary", icon=":material/close:", on_click=_start_afresh,
                  help="Back to where the form begins.")  # fmt: skip


def say_if_images_are_gone() -> None:
    """Above the choice of images, which then stands on others than those of the run."""
    again = st.session_state.get(AGAIN)
    name = again["config"]["data"]["name"] if again else ""
    if again and find_dataset(name) is None:
        st.warning(GONE.format(images=plain(name)), icon=":material/image_not_supported:")


def with_rest(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of the form, and what that run had set besides."""
    again = st.session_state.get(AGAIN)
    if again is None:
        return fields
    before = again["config"]
    same = before["objective"]["kind"] == fields["objective"]["kind"]
    held_out = {"validation": before["data"]["validation"]} if before["data"]["limit"] == fields["data"].get("limit") else {}
    model = {name: value for name, value in before["model"].items() if name not in (*SHAPE, "likelihood", "posterior", "sigma")}
    return {
        **{name: value for name, value in before.items() if name not in ("data", "model", "objective")}, **fields,
        "data": {**fields["data"], **held_out}, "model": {**model, **fields["model"]},
        "objective": {**(before["objective"] if same else {}), **fields["objective"]},
    }  # fmt: skip


def _flat(config: dict[str, Any]) -> list[tuple[str, Any]]:
    """Each value with the path of its field."""
    kind = config["objective"]["kind"]
    top = [(name, value) for name, value in config.items() if name not in ("data", "model", "objective")]
    parts = {"data": config["data"], "model": config["model"], kind: config["objective"]}
    inside = [(f"{part}.{name}", value) for part, values in parts.items() for name, value in values.items()]
    return [*top, ("objective", kind), *inside]


def _set(path: str, value: Any) -> None:
    """A field of the form, whether it has been drawn before or not."""
    if isinstance(value, (str, int, float)) or value is None:
        value = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
        form_fields.keep(path, value)
        st.session_state[form_fields.key(path)] = value

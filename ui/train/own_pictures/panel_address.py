"""Whether the panel of own pictures is open: the address says so, `?own=new` or `?own=ID` with the id of what was dropped."""

from __future__ import annotations

import streamlit as st

ADDRESS = "own"
REFUSED = "own.refused"  # str: why the last drop was not taken


def is_open() -> bool:
    """Whether the address asks for the panel."""
    return ADDRESS in st.query_params


def open_panel() -> None:
    """Shows the panel instead of the form and the runs, with nothing in it yet."""
    st.query_params[ADDRESS] = "new"
    st.session_state[REFUSED] = ""


def close_empty_panel() -> None:
    """Goes back to the form, unless something else was dropped meanwhile."""
    if st.query_params.get(ADDRESS) == "new":
        close_panel()


def close_panel() -> None:
    """Goes back to the form."""
    st.query_params.pop(ADDRESS, None)

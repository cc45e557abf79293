"""Names that Streamlit does not promise: used in one file only, and a sentence where one is gone."""

from __future__ import annotations

import ast
from importlib.metadata import version
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ui.server import streamlit_internals

ROOT = Path(__file__).parents[2]
PUBLIC = {"streamlit", "streamlit.testing.v1"}


def test_a_name_that_is_gone_is_said_in_a_sentence_with_the_versions_that_were_tried():
    with pytest.raises(SystemExit) as gone:
        streamlit_internals.private("streamlit.runtime.pages_manager", "PagesManager", "no_such_thing")
    assert str(gone.value) == (
        f"Streamlit {version('streamlit')} has no streamlit.runtime.pages_manager.PagesManager.no_such_thing, which this app "
        f"needs; it was tried with Streamlit {streamlit_internals.TRIED}. Install such a version: pip install -r requirements.txt"
    )
    with pytest.raises(SystemExit, match=r"has no streamlit\.no_such_module"):
        streamlit_internals.private("streamlit.no_such_module")


def test_no_other_file_reaches_into_streamlit():
    found = []
    for path in [ROOT / "app.py", *sorted((ROOT / "ui").rglob("*.py")), *sorted((ROOT / "tools").rglob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            found += [f"{path.name}: {name}" for name in names if name.startswith("streamlit") and name not in PUBLIC]
    assert found == []


def test_the_versions_that_may_be_installed_are_those_that_were_tried():
    major, minor = streamlit_internals.TRIED.split(".")
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert f"streamlit>={streamlit_internals.TRIED},<{major}.{int(minor) + 1}" in lines


def test_without_uvicorns_names_nothing_is_cut_and_nothing_fails():
    async def receive():
        return {}

    wire = streamlit_internals.wire(receive)
    wire.bound(1000, 1000)
    wire.cut()
    assert wire.unsent() == 0


def test_a_file_that_was_taken_over_is_held_in_memory_no_longer():
    def page():
        import streamlit as st
        from streamlit.runtime.scriptrunner import get_script_run_ctx

        from ui.server import streamlit_internals

        if (file := st.file_uploader("File", key="file")) is not None:
            context = get_script_run_ctx()
            held = [context.uploaded_file_mgr.get_files(context.session_id, [file.file_id])]
            streamlit_internals.forget_upload(file)
            held.append(context.uploaded_file_mgr.get_files(context.session_id, [file.file_id]))
            st.text(f"{len(held[0])} {len(held[1])}")

    app = AppTest.from_function(page).run()
    app.file_uploader(key="file").upload("a.zip", b"PK").run()
    assert app.text[0].value == "1 0" and not app.exception

"""The Train page in Streamlit's AppTest, without a server."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[1]


def start(**query: str) -> AppTest:
    """The page at an address with these parameters, drawn without an exception."""
    app = AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=60)
    app.run()
    app.switch_page("train/train_page.py")
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app

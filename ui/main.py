"""Page title, navigation and the look that all pages share."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui.shared import user_session

HERE = Path(__file__).parent
ABOUT = "**Latent Walk**: walk through the latent space of a variational autoencoder."


COLOURS = {"accent": "primaryColor", "card": "secondaryBackgroundColor", "muted": "grayColor"}  # ours -> the theme's


def colours() -> str:
    """The theme's colours as CSS variables of the page; Streamlit hands them to components only."""
    themes = {mode: {ours: st.get_option(f"theme.{mode}.{name}") for ours, name in COLOURS.items()} for mode in ("light", "dark")}
    plain = "".join(f"--lw-{ours}: {colour};" for ours, colour in themes["light"].items())
    pairs = "".join(f"--lw-{ours}: light-dark({themes['light'][ours]}, {themes['dark'][ours]});" for ours in COLOURS)
    return f"<style>:root {{ {plain} }} @supports (color: light-dark(red, red)) {{ :root {{ {pairs} }} }}</style>"


def main() -> None:
    st.set_page_config(page_title="Latent Walk", page_icon=str(HERE / "icon.svg"), layout="wide", menu_items={"About": ABOUT})
    user_session.prepare()
    st.html(HERE / "shared" / "look.css")
    st.html(colours())
    pages = [
        st.Page(HERE / "explore" / "explore_page.py", title="Explore", icon=":material/explore:", default=True),
        st.Page(HERE / "encode" / "encode_page.py", title="Encode", url_path="encode", icon=":material/image_search:"),
        st.Page(HERE / "train" / "train_page.py", title="Train", url_path="train", icon=":material/show_chart:"),
    ]
    st.navigation(pages, position="top").run()


main()

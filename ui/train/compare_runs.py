"""Two or more runs beside each other. Which ones is in the address, `?compare=ID,ID`: a reload or a link shows the same."""

from __future__ import annotations

import base64
from html import escape

import numpy as np
import streamlit as st

from ui.shared.plain_text import plain
from ui.train import compare_charts, compare_table, curves, preview_pictures, run_curves, run_panel, run_sentences
from ui.train.compare_table import Compared
from ui.train.metrics_history import follow
from vae_core.runs import RunStatus

PARAMETER = "compare"  # in the address
COMPARING = "train.comparing"  # bool: the list of runs has boxes to tick
MOST = len(compare_charts.COLOURS)
MOST_BEFORE = 5  # differing settings that stand before the figures; more of them would push these out of sight
CHOOSE = "Tick two or more runs in the list to see them beside each other."
MORE = "There is no more room: at most {most} runs compare at a time."
GONE = "A run in the address is no longer there."
ISO = "One point a run, of its test images. Along a dotted line the ELBO is the same; further down and to the left it is better."
NO_POINTS = "Rate against distortion needs the test figures of a run that has a KL: they come with its end."
OTHERS = ("loss", "elbo", "beta", "lr", "gradient_norm", "images_per_second")


def comparing() -> bool:
    """Whether runs are chosen to be compared, and not one to be shown."""
    return PARAMETER in st.query_params


def runs_of(everything: list[RunStatus]) -> list[RunStatus]:
    """The chosen runs that are there, in the order in which they were chosen."""
    by_id = {run.run_id: run for run in everything}
    return [by_id[run_id] for run_id in _ids() if run_id in by_id]


def box(shown: RunStatus | None) -> None:
    """The box that begins and ends it, in the head of the list; the run that is shown is the first one chosen."""
    st.checkbox("Compare", comparing(), key=COMPARING, on_change=_switch, args=(shown.run_id if shown else "",), help=CHOOSE)


def tick(run: RunStatus) -> None:
    """The box of one run in the list."""
    ids = _ids()
    full = len(ids) >= MOST and run.run_id not in ids
    st.checkbox(run.name, run.run_id in ids, key=f"train.compare.{run.run_id}", on_change=_tick, args=(run.run_id,),
                disabled=full, help=MORE.format(most=MOST) if full else None)  # fmt: skip


def panel(everything: list[RunStatus]) -> None:
    """The comparison, in place of the panel of one run."""
    chosen = runs_of(everything)
    colours = compare_charts.COLOURS[: len(chosen)]  # there are as many as runs can be chosen
    compared = [Compared(run, follow(run), colour) for run, colour in zip(chosen, colours, strict=True)]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="train_head"):
        st.markdown(f"**Comparing {len(compared)} runs**" if len(compared) > 1 else "**Compare runs**", width="stretch")
        st.button("Done", key="train.compare.done", on_click=_end, icon=":material/close:")
    if len(chosen) < len(_ids()):
        st.caption(GONE)
    if len(compared) < 2:
        st.info(CHOOSE, icon=":material/compare_arrows:")
        return
    _legend(compared)
    for sentence in compare_table.remarks(compared):
        st.caption(plain(sentence))
    _table(compared)
    _curves(compared)
    _reconstructions(compared)
    _rate_distortion(compared)


def _ids() -> list[str]:
    return [part for part in dict.fromkeys(st.query_params.get(PARAMETER, "").split(",")) if part][:MOST]


def _tick(run_id: str) -> None:
    ids = _ids()
    st.query_params[PARAMETER] = ",".join([other for other in ids if other != run_id] + [run_id] * (run_id not in ids))


def _switch(first: str) -> None:
    """As the box says: a click that arrives before the page stands after a reload may be told twice."""
    if st.session_state[COMPARING]:
        st.query_params[PARAMETER] = first
    else:
        _end()


def _end() -> None:
    st.session_state[COMPARING] = False
    st.query_params.pop(PARAMETER, None)


def _dot(colour: str) -> str:
    return f'<span class="lw-dot" style="background:{colour}"></span>'


def _legend(compared: list[Compared]) -> None:
    names = "".join(f"<span>{_dot(one.colour)}{escape(one.run.name)}</span>" for one in compared)
    st.html(f'<p class="lw-legend">{names}</p>')


def _table(compared: list[Compared]) -> None:
    differing, same = compare_table.settings(compared)
    dots = [f"data:image/svg+xml;base64,{base64.b64encode(_svg(one.colour).encode()).decode()}" for one in compared]
    rows = [
        {"Run": one.run.name, "": dot, **(settings | figures if len(settings) <= MOST_BEFORE else figures | settings)}
        for one, dot, settings, figures in zip(compared, dots, differing, compare_table.figures(compared), strict=True)
    ]
    number = st.column_config.NumberColumn
    formats = {
        "": st.column_config.ImageColumn("", width=30),
        "Run": st.column_config.TextColumn("Run", pinned=True),
        **{name: number(name, format="%.1f") for name in ("Test ELBO", "Validation ELBO", "Reconstruction", "KL")},
        "Squared error": number("Squared error", format="%.2f"),
        "Active units": number("Active units", format="%d"),
        "Seconds": number("Seconds", format="%.0f"),
        "Images/s": number("Images/s", format="%.0f"),
    }
    st.dataframe(rows, key="train.compare.table", hide_index=True, column_config=formats, placeholder="–")
    shared = ", ".join(f"{name} {value}" for name, value in same.items())
    count = len(differing[0])
    with st.expander(f"{count} {'setting differs' if count == 1 else 'settings differ'} (≠), {len(same)} are the same"):
        st.caption(plain(shared))


def _svg(colour: str) -> str:
    circle = f'<circle cx="8" cy="8" r="6" fill="{colour}"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16">{circle}</svg>'


def _curves(compared: list[Compared]) -> None:
    run_curves.choices(f"over {curves.AXES[run_curves.view().axis]} · line: training · dots: validation")
    bound, errors = [one for one in compared if not one.plain], [one for one in compared if one.plain]
    charts = [("Reconstruction", "reconstruction", bound), ("KL", "kl", bound)] if bound else []
    charts += [("Squared error", "reconstruction", errors)] if errors else []
    _charts(charts)
    fold = st.expander("Total loss, ELBO, β, learning rate, gradient norm, images per second", key="train.fold.compared",
                       on_change="rerun")  # fmt: skip
    if fold.open:
        with fold:
            _charts([(curves.TITLES.get(name, "β"), name, compared) for name in OTHERS])


def _charts(charts: list[tuple[str, str, list[Compared]]]) -> None:
    places: list[st.delta_generator.DeltaGenerator] = []
    for title, name, compared in charts:
        places = places or list(st.columns(2, gap="small"))
        with places.pop(0).container(key=f"train_compared_{title}", gap=None):
            meaning = "error" if title == "Squared error" else name
            run_curves.title(title, run_sentences.MEANINGS.get(meaning, ""))
            figure = compare_charts.overlaid(compared, name, run_curves.view())
            st.plotly_chart(figure, key=f"train.compared.{title}", config=curves.CONFIG)


def _reconstructions(compared: list[Compared]) -> None:
    """The same test images once, and below them what each run makes of them; for each set of images."""
    groups: dict[bytes, list[tuple[Compared, dict[str, np.ndarray]]]] = {}
    for one in compared:
        pictures = preview_pictures.read(one.run.path / "preview.npz")
        if pictures is not None:
            groups.setdefault(pictures["inputs"].tobytes(), []).append((one, pictures))
    for members in groups.values():
        run_curves.title("Test images, and below them what each run makes of them", run_sentences.MEANINGS["reconstructions"])
        st.html(run_panel.strip(members[0][1]["inputs"], "test images"))
        for one, pictures in members:
            name = escape(one.run.name)
            strip = run_panel.strip(pictures["reconstructions"], f"reconstructions of {name}")
            st.html(f'<p class="lw-legend"><span>{_dot(one.colour)}{name}</span></p>{strip}')


def _rate_distortion(compared: list[Compared]) -> None:
    run_curves.title("Rate against distortion", ISO)
    figure = compare_charts.rate_distortion(compared)
    if figure is None:
        st.caption(NO_POINTS)
        return
    st.plotly_chart(figure, key="train.compared.plane", config=curves.CONFIG)
    missing = [one.run.name for one in compared if one.plain or one.test("kl") is None]
    if missing:
        st.caption(plain(f"Not on the plane: {', '.join(missing)}."))

"""The form of a new run. Nothing is trained that the fields do not show: while one of them is wrong, Train waits."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.shared import error_sentences
from ui.shared.model_picker import LIKELIHOODS
from ui.shared.plain_text import plain
from ui.train import form_fields, run_sentences, train_again
from ui.train.form_fields import choice, keep, kept, key, number
from ui.train.own_pictures import dataset_list, import_progress, panel_address
from vae_core import runs
from vae_core.config.command_line_options import command_line
from vae_core.config.schema import TrainConfig, train_config
from vae_core.data import downloads
from vae_core.data.catalog import DatasetInfo, dataset_info, datasets, find_dataset
from vae_core.data.stored_images import available
from vae_core.errors import LatentWalkError
from vae_core.objectives.registry import OBJECTIVES
from vae_core.training import time_estimate_in_background

CHOSEN = "train.images"  # str: images that another part of the page has chosen for the form
STARTED = "train.started"  # str: id of the run this session started last
ARCHITECTURES = {"conv": "convolutional", "residual": "residual", "mlp": "fully connected"}
NAME_HELP = "What the run and its model are called in lists and addresses. Left empty, it gets the name shown in grey."
COMMAND_HELP = "The same run for a terminal."
FIX = "First mend the field that is marked in red."


@st.fragment
def form() -> None:
    """Draws the form; a press on Train starts a run and redraws the page."""
    st.markdown("**New run**")
    train_again.say_where_from()
    fields, wrong = _fields()
    config, trouble = _checked(fields) if not wrong else (None, "")
    name, bad_name = _name(config)
    if trouble:
        st.caption(f":red[{trouble}]")
    if config is not None:
        _warn_about_data(config)
    time = st.container()  # filled last: what it says may have to be found out, and the button need not wait for it
    refused = st.container()
    with st.container(horizontal=True, gap="small"):
        ready = config is not None and not bad_name
        pressed = st.button("Train", type="primary", key="train.go", icon=":material/play_arrow:", disabled=not ready,
                            help=None if ready else FIX)  # fmt: skip
        with st.popover("As command", disabled=config is None, help=COMMAND_HELP if config else FIX):
            if config is not None:
                st.code(command_line(config), language="bash", wrap_lines=True)
    if pressed and ready and config is not None:
        with refused:
            _start(config, name)
    if config is not None:
        with time:
            _time(config)


def use_images(name: str) -> None:
    """Sets the form to these images when it is drawn next."""
    st.session_state[CHOSEN] = name


def _checked(fields: dict[str, Any]) -> tuple[TrainConfig | None, str]:
    """The config of these fields, or why it cannot be."""
    try:
        return train_config(**train_again.with_rest(fields)), ""
    except LatentWalkError as error:
        return None, str(error)


def _name(config: TrainConfig | None) -> tuple[str, bool]:
    """The run's name as it was typed, and whether it cannot be used."""
    suggestion = runs.free_name(runs.suggest_name(config)) if config else ""
    with st.container(gap=None):
        name = st.text_input("Name", kept("name"), key=key("name"), placeholder=suggestion, max_chars=None, help=NAME_HELP)
        keep("name", name)
        try:
            if name and name.strip():
                runs.check_name(name)
        except LatentWalkError as error:
            st.caption(f":red[{error}]")
            return name, True
    return name, False


def _fields() -> tuple[dict[str, Any], bool]:
    """What the widgets say, as keywords for `train_config`, and whether one of them cannot be used."""
    troubles: list[str] = []

    def take(path: str, label: str, place: Any, step: float = 1.0) -> Any:
        value, trouble = number(path, label, place, step=step)
        troubles.append(trouble)
        return value

    data = {"name": _images()}
    row = st.columns(2, gap="small")
    model: dict[str, Any] = {"architecture": choice("model.architecture", "Architecture", ARCHITECTURES, row[0])}
    model["latent_dim"] = take("model.latent_dim", "Latent size", row[1])
    row = st.columns(2, gap="small")
    top: dict[str, Any] = {"epochs": take("epochs", "Epochs", row[0]), "batch_size": take("batch_size", "Batch size", row[1])}
    row = st.columns(2, gap="small")
    kind = choice("objective", "Objective", {kind: one.title for kind, one in OBJECTIVES.items()}, row[0])
    with st.container(gap="small"):  # its height may change and the fold below it stay as it is
        settings = form_fields.settings(kind, troubles, advanced=False, first=row[1])
    distributions = OBJECTIVES[kind].trains == "vae"  # an autoencoder has neither likelihood nor posterior
    row = st.columns(2, gap="small")
    top["learning_rate"] = take("learning_rate", "Learning rate", row[0], 0.0005)
    if distributions:
        model["likelihood"] = choice("model.likelihood", "Likelihood", LIKELIHOODS, row[1])
    with st.expander("More settings"):
        settings |= form_fields.settings(kind, troubles, advanced=True)
        more = {"seed": take("seed", "Seed", (row := st.columns(2, gap="small"))[0])}
        limit = take("data.limit", "Images to use", row[1], 500.0)
        row = st.columns(2, gap="small")
        if distributions:
            model["posterior"] = choice("model.posterior", "Posterior", form_fields.words("model.posterior"), row[0])
        if model.get("likelihood") == "gaussian":
            model["sigma"] = take("model.sigma", "Fixed σ", row[1], 0.05)
    sizes = {"limit": limit, "validation": _validation(limit)} if limit else {}
    return {"data": data | sizes, "model": model, "objective": {"kind": kind, **settings}, **top, **more}, any(troubles)


def _images() -> str:
    """Which images; below them what one's own hold, and the way to add some."""
    there = datasets()
    wanted = st.session_state.pop(CHOSEN, kept("data.name"))
    found = find_dataset(wanted)  # under its present name, where that of a run's settings is an older one
    wanted = found.name if found else wanted
    if wanted != kept("data.name") or wanted not in there:  # deleted or renamed meanwhile
        st.session_state[key("data.name")] = keep("data.name", wanted if wanted in there else next(iter(there)))
    train_again.say_if_images_are_gone()
    name = choice("data.name", "Images", {name: info.title for name, info in there.items()})
    if there[name].own:
        st.caption(dataset_list.described(there[name]))
    if st.button("Your own pictures", icon=":material/add_photo_alternate:", key="train.own", width="stretch",
                 help="Drop files, a folder or a zip: they become images to train on."):  # fmt: skip
        panel_address.open_panel()
        st.rerun()  # the whole page, of which this form is a part that is drawn by itself
    import_progress.progress(use_images)
    return name


def _validation(limit: float) -> int:
    """Held-out images in proportion to a small training set."""
    return max(100, min(5000, int(limit) // 5))


def _warn_about_data(config: TrainConfig) -> None:
    info = dataset_info(config.data.name)
    if available(info.name):
        return
    if info.own:
        st.error(run_sentences.MISSING_OWN.format(title=plain(info.title)), icon=":material/error:")
        return
    found = _download_outlook(info)
    if found.trouble:
        st.error(found.trouble, icon=":material/cloud_off:")
        if found.remedy:
            st.expander("What can be done").caption(found.remedy)
    else:
        words = run_sentences.MISSING_DATA if found.bytes else run_sentences.PACKED_DATA
        st.warning(words.format(title=info.title, size=downloads.size_words(found.bytes)), icon=":material/cloud_download:")


@st.cache_data(ttl=20, show_spinner="Looking whether the images can be downloaded")
def _download_outlook(info: DatasetInfo) -> downloads.Outlook:
    return downloads.outlook(info)


def _time(config: TrainConfig) -> None:
    """Size and time. What is not known yet is found out in the background, and the line looks again until it is."""
    waiting = time_estimate_in_background.outlook(config).waiting
    st.fragment(_time_line, run_every=1.0 if waiting else None)(config, waiting)


def _time_line(config: TrainConfig, waited: bool) -> None:
    outlook = time_estimate_in_background.outlook(config)
    if waited and not outlook.waiting:
        st.rerun(scope="app")  # ends the looking again
    st.caption(run_sentences.outlook(outlook), help=run_sentences.basis(outlook))


def _start(config: TrainConfig, name: str) -> None:
    try:
        run_id = runs.start(config, name, train_again.parent())
    except LatentWalkError as error:
        error_sentences.show_error(error)
        return
    train_again.forget()
    st.session_state[STARTED] = run_id
    st.query_params["run"] = run_id
    st.rerun(scope="app")

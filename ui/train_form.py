"""The form of a new run: its fields, ranges and help texts are the config's own; what it shows is checked by the config."""

from __future__ import annotations

import threading
from typing import Any

import streamlit as st
from pydantic import BaseModel

from ui import run_words, words
from vae_core import estimate, runs
from vae_core.config import DataConfig, ModelConfig, TrainConfig, train_config
from vae_core.datasets import DATASETS, available
from vae_core.errors import LatentWalkError
from vae_core.options import command_line

SAVED = "train.saved"  # dict: what was chosen, kept while another page is open
STARTED = "train.started"  # str: id of the run this session started last
FIRST = {"epochs": 6, "name": ""}  # where the form begins elsewhere than the config: well under two minutes on two cores
WARMUPS = {"none": "none", "linear": "linear rise", "cyclical": "cyclical"}
NETWORKS = {"conv": "convolutional", "mlp": "fully connected"}
LIKELIHOODS = {"bernoulli": "Bernoulli", "gaussian": "Gaussian"}
OWNERS: dict[str, type[BaseModel]] = {"data": DataConfig, "model": ModelConfig, "": TrainConfig}

_measuring = threading.Lock()  # one measurement at a time, whoever asks
_counting, _can_count = threading.Lock(), threading.Event()  # once torch is there
_tried: set[str] = set()  # networks that were measured, or could not be


@st.fragment
def form() -> None:
    """Draws the form; a press on Train starts a run and redraws the page."""
    st.markdown("**New run**")
    try:
        config = train_config(**_fields())
    except LatentWalkError as error:
        words.show_error(error)
        return
    name = st.text_input("Name", key=_key("name"), placeholder=runs.suggest_name(config), max_chars=None,
                         help="What the run is called in lists and addresses; empty takes the suggestion.")  # fmt: skip
    _keep("name", name)
    _warn_about_data(config)
    time = st.container()  # filled last: counting parameters imports torch, and the button need not wait for it
    with st.container(horizontal=True, gap="small"):
        if st.button("Train", type="primary", key="train.go", icon=":material/play_arrow:"):
            _start(config, name)
        with st.popover("As command"):
            st.code(command_line(config), language="bash", wrap_lines=True)
    with time:
        _time(config)


def use_shapes() -> None:
    """Sets the form to the images that need no download."""
    saved = st.session_state.setdefault(SAVED, {})
    saved["data.name"] = st.session_state[_key("data.name")] = "shapes"


def _fields() -> dict[str, Any]:
    """What the widgets say, as keywords for `train_config`."""
    data = {"name": _choice("data.name", "Images", {name: info.title for name, info in DATASETS.items()})}
    left, right = st.columns(2, gap="small")
    model: dict[str, Any] = {"architecture": _choice("model.architecture", "Network", NETWORKS, left)}
    model["latent_dim"] = _number("model.latent_dim", "Latent size", right)
    top: dict[str, Any] = {"epochs": _number("epochs", "Epochs", left), "batch_size": _number("batch_size", "Batch size", right)}
    top |= {"beta": _number("beta", "β, weight of KL", left, step=0.5), "warmup": _choice("warmup", "β warm-up", WARMUPS, right)}
    model["likelihood"] = _choice("model.likelihood", "Likelihood", LIKELIHOODS, left)
    top["learning_rate"] = _number("learning_rate", "Learning rate", right, step=0.0005, format="%.4f")
    with st.expander("More settings"):
        more, limit = _more(top["warmup"], model["likelihood"])
    model |= {"sigma": more.pop("sigma")} if "sigma" in more else {}
    return {"data": data | ({"limit": limit, "validation": _validation(limit)} if limit else {}), "model": model, **top, **more}


def _more(warmup: str, likelihood: str) -> tuple[dict[str, Any], int | None]:
    """What most people leave alone: further keywords, and how many images to use."""
    left, right = st.columns(2, gap="small")
    more: dict[str, Any] = {"free_bits": _number("free_bits", "Free bits, nats/dim", left, step=0.05)}
    more["seed"] = _number("seed", "Seed", right)
    if warmup == "linear":
        more["warmup_epochs"] = _number("warmup_epochs", "Warm-up epochs", left, step=0.5)
    if warmup == "cyclical":
        more["cycles"] = _number("cycles", "Cycles", left)
    if likelihood == "gaussian":
        more["sigma"] = _number("model.sigma", "Fixed σ", right, step=0.05, format="%.3f")
    limit = _number("data.limit", "Images to use", left if likelihood == "gaussian" or warmup == "none" else right, step=500)
    return more, limit


def _validation(limit: int) -> int:
    """Held-out images in proportion to a small training set."""
    return max(100, min(5000, limit // 5))


def _choice(path: str, label: str, options: dict[str, str], place: Any = st) -> str:
    _restore(path)
    chosen = place.selectbox(label, list(options), format_func=options.__getitem__, key=_key(path), help=_help(path))
    return _keep(path, chosen)


def _number(path: str, label: str, place: Any, **widget: Any) -> Any:
    _restore(path)
    low, high = _range(path)
    whole = not widget or path in ("data.limit",)
    kind = int if whole else float
    low, high = (None if low is None else kind(low)), (None if high is None else kind(high))
    return _keep(path, place.number_input(label, low, high, key=_key(path), help=_help(path), value=None, **widget))


def _key(path: str) -> str:
    return f"train.{path}"


def _restore(path: str) -> None:
    """A widget's own key dies with its page; what was chosen is put back before it is drawn again."""
    if _key(path) not in st.session_state:
        saved = st.session_state.setdefault(SAVED, {})
        st.session_state[_key(path)] = saved.get(path, FIRST.get(path, _field(path).get_default(call_default_factory=True)))


def _keep(path: str, value: Any) -> Any:
    st.session_state.setdefault(SAVED, {})[path] = value
    return value


def _field(path: str) -> Any:
    owner, _, name = path.rpartition(".")
    return OWNERS[owner].model_fields[name]


def _help(path: str) -> str:
    return _field(path).description or ""


def _range(path: str) -> tuple[float | None, float | None]:
    """The config's own limits. One that excludes its end (a rate above 0) is left to the config, which says so in words."""
    limits = {name: getattr(rule, name) for rule in _field(path).metadata for name in ("ge", "le") if hasattr(rule, name)}
    return limits.get("ge"), limits.get("le")


def _warn_about_data(config: TrainConfig) -> None:
    if not available(config.data.name):
        st.warning(run_words.MISSING_DATA.format(title=DATASETS[config.data.name].title), icon=":material/cloud_download:")


def _time(config: TrainConfig) -> None:
    """Parameters and time. What is not known yet is found out in the background, and the line looks again until it is."""
    waiting = _is_waiting(config)
    st.fragment(_time_line, run_every=1.0 if waiting else None)(config, waiting)


def _is_waiting(config: TrainConfig) -> bool:
    """Whether the line will be able to say more in a moment; sees to it that it will."""
    if not _can_count.is_set():
        if _counting.acquire(blocking=False):  # never released: once is enough
            threading.Thread(target=_learn_to_count, args=(config,), daemon=True, name="count").start()
        return True
    return estimate.estimate(config) is None and _is_measuring(config)


def _learn_to_count(config: TrainConfig) -> None:
    """Imports torch, which on a new server takes a second or more and would keep the page from answering."""
    estimate.size(config.model)
    _can_count.set()


def _is_measuring(config: TrainConfig) -> bool:
    """Whether this machine is being measured; begins with it once for a network, while no run would disturb it."""
    network = f"{config.model!r} {config.batch_size}"
    if network in _tried or any(run.live for run in runs.list_runs()) or not _measuring.acquire(blocking=False):
        return _measuring.locked()
    _tried.add(network)
    threading.Thread(target=_measure, args=(config,), daemon=True, name="measure").start()
    return True


def _time_line(config: TrainConfig, waiting: bool) -> None:
    if waiting and not (_measuring.locked() or not _can_count.is_set()):
        st.rerun(scope="app")  # ends the looking again
    if not _can_count.is_set():
        st.caption("Counting parameters …")
        return
    parameters = estimate.size(config.model).parameters
    size = f"{parameters / 1e6:.2g} M parameters" if parameters > 1e5 else f"{parameters:,} parameters"
    known = estimate.estimate(config)
    if known is not None:
        basis = f"{'Scaled from' if known.scaled else 'Rate from'} {known.source}: {known.images_per_second:,.0f} images/s."
        st.caption(f"{size} · **{run_words.about(known.seconds)}** on this machine", help=basis)
    elif _measuring.locked():
        st.caption(f"{size} · measuring how fast this machine is …")
    else:
        st.caption(f"{size} · no estimate: nothing comparable was measured on this machine")


def _measure(config: TrainConfig) -> None:
    try:
        estimate.measure(config)
    finally:
        _measuring.release()


def _start(config: TrainConfig, name: str) -> None:
    try:
        run_id = runs.start(config, name)
    except LatentWalkError as error:
        words.show_error(error)
        return
    st.session_state[STARTED] = run_id
    st.query_params["run"] = run_id
    st.rerun(scope="app")

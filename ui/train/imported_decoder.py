"""A decoder from elsewhere on the Train page: tried, shown by a preview of draws, corrected, kept; and corrected afterwards."""

from __future__ import annotations

import base64
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import streamlit as st

from ui.shared import cached_models
from ui.shared.plain_text import plain
from vae_core.errors import LatentWalkError
from vae_core.foreign_decoders.facts import LAYOUTS, MAX_FILE_BYTES, PRIORS, RANGES, ForeignFacts, Range
from vae_core.foreign_decoders.onnx_session import to_unit
from vae_core.foreign_decoders.trial import Trial, try_out
from vae_core.images import to_png, to_uint8
from vae_core.images.pixels import tiled
from vae_core.model_files.add_foreign_decoder import add_decoder, change_decoder
from vae_core.model_files.model_list import ModelEntry

SUFFIX = ".onnx"
WAITING = "train.decoder"  # Waiting: a decoder that was tried and not kept yet
RECENT = 4  # trials whose outcome is remembered, for page runs that were broken off
COLUMNS = 4  # of the preview
RANGE_HELP = "What the numbers of its pictures mean. Detected from {count} draws with values between {low:.3g} and {high:.3g}."
CORRECT_HELP = "What the numbers of its pictures mean. Wrong colours, or pictures without contrast: try another."
PRIOR_HELP = "What z was drawn from in training: the random pictures are then those that the decoder was made for."
ENCODER_HELP = "A second .onnx file that takes an image to its code (N, D): with it pictures of your own can be encoded."
TRYING = "The decoder is tried in a process of its own"


@dataclass(frozen=True)
class Waiting:
    """A decoder between its trial and being kept."""

    id: str
    filename: str
    file: bytes  # as it was uploaded
    trial: Trial
    trouble: str = ""  # of the last encoder, or of keeping


_executor = ThreadPoolExecutor(1, thread_name_prefix="decoder-trial")
_trials: OrderedDict[int, Future[Trial]] = OrderedDict()
_lock = threading.Lock()


def _tried(decoder: bytes, encoder: bytes = b"") -> Trial:
    """The outcome of a trial; a page run that is broken off while it waits finds it again."""
    key = hash((decoder, encoder))
    with _lock:
        going = _trials.get(key) or _executor.submit(try_out, decoder, encoder)
        _trials[key] = going
        while len(_trials) > RECENT:
            _trials.popitem(last=False)
    with st.spinner(TRYING):
        return going.result()


def take(data: bytes, filename: str) -> None:
    """Tries a file; what has passed waits to be kept.

    Raises:
        CheckpointError: it is refused; the sentence says why.
    """
    shown = "".join(letter for letter in filename if letter.isprintable())[:200]
    st.session_state[WAITING] = Waiting(secrets.token_hex(4), shown, data, _tried(data))


def panel(kept: Callable[[str], None]) -> None:
    """The decoder that waits, if one does; `kept` is told its name once it is a model."""
    waiting: Waiting | None = st.session_state.get(WAITING)
    if waiting is None:
        return
    found = waiting.trial.report
    with st.container(border=True, key="train_decoder"):
        colour = "grey" if found.channels == 1 else "colour"
        st.markdown(f"**{plain(waiting.filename)}**")
        place = st.container()
        st.caption(
            f"{found.latent_dim} numbers to {found.width} × {found.height} in {colour}, {LAYOUTS[found.layout]}; "
            f"{max(0.1, found.milliseconds):.1f} ms a picture{', with an encoder' if waiting.trial.encoder else ''}. "
            "Not kept yet."
        )
        help_text = RANGE_HELP.format(count=len(waiting.trial.draws["normal"]), low=found.low, high=found.high)
        said = {"name": st.text_input("Name", Path(waiting.filename).stem, key=f"decoder.name.{waiting.id}")}
        said |= _fields(waiting.id, ForeignFacts(layout=found.layout, range=found.range, decoder_bytes=1), help_text)
        place.html(_preview(waiting.trial, said))
        _encoder(waiting)
        if waiting.trouble:
            st.error(plain(waiting.trouble), icon=":material/error:")
        with st.container(horizontal=True, gap="small"):
            if st.button("Keep", type="primary", icon=":material/check:", key="decoder.keep"):
                _keep(waiting, said, kept)
            st.button("Discard", key="decoder.discard", on_click=st.session_state.update, args=({WAITING: None},))


def _fields(key: str, now: ForeignFacts, range_help: str) -> dict[str, str]:
    value_range = _choice("Values", RANGES, now.range, f"decoder.range.{key}", range_help)
    prior = _choice("Prior", PRIORS, now.prior, f"decoder.prior.{key}", PRIOR_HELP)
    source = st.text_input("Source", now.source, key=f"decoder.source.{key}", placeholder="an address, a paper", max_chars=500)
    licence = st.text_input("Licence", now.licence, key=f"decoder.licence.{key}", placeholder="such as MIT", max_chars=200)
    return {"range": value_range, "prior": prior, "source": source.strip(), "licence": licence.strip()}


def _choice(label: str, words: dict[Any, str], now: str, key: str, help_text: str) -> str:
    names: Sequence[str] = list(words)
    return st.selectbox(label, names, index=names.index(now), format_func=lambda name: words[name], key=key, help=help_text)


def _preview(trial: Trial, said: dict[str, str]) -> str:
    pictures = to_uint8(to_unit(trial.draws[said["prior"]], trial.report.layout, cast(Range, said["range"])))
    png = base64.b64encode(to_png(tiled(pictures, COLUMNS))).decode()
    return f'<img class="lw-draws" alt="{len(pictures)} draws of this decoder" src="data:image/png;base64,{png}">'


def _encoder(waiting: Waiting) -> None:
    """The place for an encoder; one that is refused leaves the decoder as it was."""
    key = f"decoder.encoder.{waiting.id}.{hash(waiting.trouble)}"
    most = MAX_FILE_BYTES // 10**6
    file = st.file_uploader("Encoder, if there is one", type=["onnx"], key=key, help=ENCODER_HELP, max_upload_size=most)
    if file is None or waiting.trial.encoder:
        return
    try:
        waiting = replace(waiting, trial=_tried(waiting.file, file.getvalue()), trouble="")
    except LatentWalkError as error:
        waiting = replace(waiting, trouble=str(error))
    st.session_state[WAITING] = waiting
    st.rerun()


def _keep(waiting: Waiting, said: dict[str, str], kept: Callable[[str], None]) -> None:
    name = said.pop("name")
    try:
        entry = add_decoder(waiting.trial, name, filename=waiting.filename, **said)
    except LatentWalkError as error:
        st.session_state[WAITING] = replace(waiting, trouble=str(error))
    else:
        st.session_state[WAITING] = None
        kept(entry.name)
    st.rerun()


def correct(entry: ModelEntry, attempt: Callable[..., None]) -> None:
    """Beside a model in the list: what was said of an imported decoder, to be corrected; nothing for any other model."""
    try:
        foreign = cached_models.header(entry).foreign
    except (LatentWalkError, OSError):
        return  # its own page says what is wrong with it
    if foreign is None:
        return
    key = f"{entry.path.name}.{entry.mtime_ns}"
    with st.popover("Correct", key=f"decoder.correct.{key}", type="tertiary", icon=":material/tune:"):
        said = _fields(key, foreign, CORRECT_HELP)
        st.button("Save", key=f"decoder.save.{key}", type="primary", on_click=attempt, args=(_change, entry.path, said))


def _change(path: Path, said: dict[str, str]) -> None:
    change_decoder(path, **said)

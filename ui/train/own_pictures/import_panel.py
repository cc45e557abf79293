"""Your own pictures: dropped, looked at as the network will see them, and kept under a name.

What was dropped is named in the address (`?own=ID`), so a reload finds it again; `?own=new` is the panel with nothing in it yet.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from ui.server import streamlit_internals
from ui.shared import error_sentences
from ui.shared.plain_text import plain
from ui.train.own_pictures import check_in_background, dataset_list, import_progress, preview_html, staged_uploads
from ui.train.own_pictures.check_in_background import Check
from ui.train.own_pictures.import_options import chosen_options
from ui.train.own_pictures.panel_address import ADDRESS, REFUSED, close_panel, open_panel
from ui.train.own_pictures.staged_uploads import Staged
from vae_core.data import own_datasets
from vae_core.errors import LatentWalkError
from vae_core.import_images import ImportOptions, start_import

Use = Callable[[str], None]  # chooses a dataset in the form
UPLOADS = "own.uploads"  # int: drops so far
WAYS = {"files": "Files or a zip", "folder": "A folder", "path": "A path on the server"}
SHOWN = 24  # pictures
LOOK_AGAIN = 0.5  # seconds, while not all is looked at
TITLE_HELP = "They stay on the computer that runs this app."
PATH_HELP = "A folder, a zip or an array (.npz, .npy) on the computer that runs this app. Nothing there is changed."
GONE = "What was dropped is no longer here: it became a dataset, or a day has passed. Drop it again."
NAME_HELP = "What the images are called in lists and on the command line."


def panel(use: Use) -> None:
    """The whole panel, across the page."""
    st.html(Path(__file__).parent / "own_pictures.css")
    staged_id = st.query_params.get(ADDRESS, "new")
    staged = None if staged_id == "new" else staged_uploads.find(staged_id)
    with st.container(key="own"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="own_head"):
            st.button("Back to training", icon=":material/arrow_back:", on_click=close_panel, key="own.back")
            st.markdown("**Your own pictures**", help=TITLE_HELP, width="content")
        import_progress.progress(use)
        if staged is None:
            left, right = st.columns([45, 55], gap="small")
            with left, st.container(border=True, key="own_take"):
                _take_in(gone=staged is None and staged_id != "new")
            with right, st.container(border=True, key="own_list"):
                dataset_list.datasets(use, close_panel)
        else:
            _look(staged)


def _take_in(*, gone: bool) -> None:
    """The ways in."""
    st.markdown("**Add pictures**")
    ways = {name: words for name, words in WAYS.items() if name != "path" or staged_uploads.allowed_roots() is not None}
    way = st.segmented_control("From", list(ways), default="files", format_func=ways.__getitem__, required=True,
                               key="own.way", label_visibility="collapsed", on_change=_forget_refusal)  # fmt: skip
    if way == "path":
        _take_path()
    else:
        _take_upload(folder=way == "folder")
    if trouble := st.session_state.get(REFUSED) or (GONE if gone else ""):
        st.error(plain(trouble), icon=":material/error:")  # it may hold the name of a file
    st.caption(
        f"PNG, JPEG, WebP, TIFF, GIF and BMP of any size, mixed as they are; or an array, .npz or .npy. Folders in a zip, or "
        f"a labels.csv, become classes. At most {preview_html.size(_limit())} a file; larger ones, and folders of very many "
        "files, come in without a browser:"
    )
    st.code("python -m vae_core data add FOLDER --name butterflies", language="bash", wrap_lines=True)


def _forget_refusal() -> None:
    st.session_state[REFUSED] = ""


def _limit() -> int:
    return int(st.get_option("server.maxUploadSize")) << 20


def _take_upload(*, folder: bool) -> None:
    kind = "folder" if folder else "files"
    files = st.file_uploader(
        "Choose a folder, or drop it here" if folder else "Drop pictures, a zip or an array here",
        accept_multiple_files="directory" if folder else True,
        key=f"own.upload.{kind}.{st.session_state.get(UPLOADS, 0)}",
    )
    if not files:
        return
    st.session_state[UPLOADS] = st.session_state.get(UPLOADS, 0) + 1  # an empty uploader next time
    with st.spinner(f"Taking over {preview_html.files(len(files), 'file')} …"):
        _attempt(lambda: staged_uploads.take(files))
    for file in files:
        streamlit_internals.forget_upload(file)  # it is on the disk, or refused: no reason to hold it in memory
    st.rerun()


def _take_path() -> None:
    with st.form("own.path_form", border=False):
        roots = staged_uploads.allowed_roots()
        within = f"In {' or '.join(map(str, roots))}" if roots else "/data/butterflies"
        text = st.text_input("Path on the server", placeholder=within, help=PATH_HELP, key="own.path")
        if st.form_submit_button("Look at it", icon=":material/visibility:") and text.strip():
            _attempt(lambda: staged_uploads.take_path(text))
            st.rerun()


def _attempt(take: Callable[[], Staged]) -> None:
    """Takes pictures in and shows them, or says why not."""
    st.session_state[REFUSED] = ""
    try:
        staged = take()
    except LatentWalkError as error:
        st.session_state[REFUSED] = str(error)
        return
    _open(staged)


def _open(staged: Staged) -> None:
    """Shows what was dropped, unless it is refused as a whole."""
    try:
        check_in_background.check(staged)
    except (LatentWalkError, OSError) as error:
        st.session_state[REFUSED] = f"{staged.title}: {error_sentences.explain(error).what}"
        staged_uploads.discard(staged.id)
    else:
        st.query_params[ADDRESS] = staged.id


def _choose_others(staged_id: str) -> None:
    if not st.button("Choose others", key="own.others", type="tertiary"):
        return
    check_in_background.end(staged_id)
    staged_uploads.discard(staged_id)
    open_panel()
    st.rerun()  # the whole page


@st.fragment
def _look(staged: Staged) -> None:
    """Options on the left, the pictures on the right; a changed option draws this part again and nothing else."""
    try:
        check = check_in_background.check(staged)
    except (LatentWalkError, OSError) as error:
        error_sentences.show_error(error)
        _choose_others(staged.id)
        return
    left, right = st.columns([31, 69], gap="small")
    with left, st.container(border=True, key="own_settings"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{plain(staged.title)}**", width="stretch")
            _choose_others(staged.id)
        options = chosen_options()
        st.fragment(_keep)(staged, check, options)
    with right, st.container(border=True, key="own_preview"):
        _pictures(check, options)
        st.fragment(_found, run_every=LOOK_AGAIN if check.going else None)(check, check.going)


def _pictures(check: Check, options: ImportOptions) -> None:
    try:
        shown = check.pictures(options, SHOWN)
    except (LatentWalkError, OSError) as error:
        error_sentences.show_error(error)
        return
    colours = "colour" if options.colour else "grey"
    title = f"As the network will see them: {options.size}×{options.size}, {colours}"
    st.html(f'<p class="lw-title">{title} <span>{len(shown)} of {preview_html.files(check.source.count)}</span></p>')
    st.html(preview_html.pictures(shown))


def _found(check: Check, waited: bool) -> None:
    """What is known of all the pictures, as soon as all were looked at."""
    if waited and not check.going:
        st.rerun(scope="app")  # ends the looking again
    if check.trouble:
        st.error(plain(check.trouble), icon=":material/error:")
    elif check.report is None:
        total = max(1, check.source.count)
        words = f"Looking at every file: {check.done:,} of {total:,}"
        st.progress(min(1.0, check.done / total), text=words)
    else:
        _report(check)


def _report(check: Check) -> None:
    """Counts per class, duplicates, and what is left out."""
    report = check.report
    assert report is not None
    st.caption(plain(" ".join(preview_html.sentences(report))))
    left, right = st.columns(2, gap="medium") if report.classes and report.unreadable else (st, st)
    if report.classes:
        left.html(f'<p class="lw-title">{_class_title(len(report.classes))}</p>{preview_html.classes(report.classes)}')
    if report.unreadable:
        title = f"Left out: {preview_html.files(report.unreadable_count, 'file')}"
        rows = preview_html.left_out(report.unreadable, report.unreadable_count)
        right.html(f'<p class="lw-title">{title}</p>{rows}')


def _class_title(count: int) -> str:
    return f"{count:,} classes" if count != 1 else "1 class"


def _keep(staged: Staged, check: Check, options: ImportOptions) -> None:
    """The name and the button; typing a name draws nothing else again."""
    name = st.text_input("Name", staged.suggestion, key=f"own.name.{staged.id}", help=NAME_HELP)
    trouble = ""
    try:
        name = own_datasets.check_own_name(name)
        own_datasets.check_free(name)
    except LatentWalkError as error:
        trouble = str(error)
        st.caption(f":red[{trouble}]")
    if check.going and not trouble:
        st.caption("It can be kept before every file has been looked at; what cannot be read is left out.")
    unusable = bool(trouble or check.trouble)
    if st.button("Keep", type="primary", icon=":material/check:", disabled=unusable, key="own.keep"):
        _start(staged, name, options)


def _start(staged: Staged, name: str, options: ImportOptions) -> None:
    try:
        job = start_import(staged.path, name, options)
    except (LatentWalkError, OSError) as error:
        error_sentences.show_error(error)
        return
    check_in_background.end(staged.id)
    if staged.is_path:
        staged_uploads.discard(staged.id)  # the note of the path; what was uploaded is removed by the import
    import_progress.expect(job)
    open_panel()
    st.rerun(scope="app")

"""Own pictures in a real browser: an awful zip is dropped, looked at, kept, trained on and explored."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import time
import zipfile

import pytest
from playwright.sync_api import Page, expect
from read_screen import background, live, typed

from tests import awful_zip
from tests.browser.conftest import Server
from vae_core import runs
from vae_core.data.own_datasets import own_root
from vae_core.import_images.import_jobs import import_jobs, incoming_root
from vae_core.runs.json_files import read_json

SHOWN = "() => [...document.querySelectorAll('.own-pictures img')].map(one => one.src).join()"


@pytest.fixture
def panel(server, page, monkeypatch) -> Page:
    """The panel of own pictures of a new server with no datasets; this process sees its runs and data too."""
    monkeypatch.setenv("VAE_RUNS", str(server.folder / "runs"))
    monkeypatch.setenv("VAE_DATA", str(server.folder / "data"))
    running = server(VAE_DATA=str(server.folder / "data"))
    page.goto(f"{running.url}/train")
    expect(page.get_by_text("New run")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Your own pictures").click()
    expect(page.get_by_text("Add pictures")).to_be_visible(timeout=60_000)
    yield page
    for run in runs.list_runs():
        if run.live:
            runs.stop(run.run_id)
    deadline = time.monotonic() + 60
    while any(run.live for run in runs.list_runs()):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def drop(page: Page, name: str, data: bytes) -> None:
    file = {"name": name, "mimeType": "application/zip", "buffer": data}
    page.locator('.st-key-own_take input[type="file"]').set_input_files(file)


def settled(page: Page) -> None:
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=30_000)


def choose(page: Page, group: str, option: str) -> None:
    page.get_by_role("radiogroup", name=group).get_by_text(option, exact=True).click()


def redrawn(page: Page, before: str) -> str:
    """The pictures, once all of them are others."""
    return page.wait_for_function(
        f"before => {{ const now = ({SHOWN})(); return now && now !== before ? now : false; }}", arg=before
    ).json_value()


def test_an_awful_zip_becomes_a_dataset_to_train_on_and_to_explore(panel):
    page = panel
    drop(page, "my light and dark.zip", awful_zip.awful_zip())
    left_out = page.locator(".own-left-out")
    expect(left_out).to_be_visible(timeout=60_000)
    for name in awful_zip.LEFT_OUT:
        expect(left_out).to_contain_text(name)
    expect(page.locator(".own-pictures img")).to_have_count(24)
    expect(page.locator(".own-classes li")).to_have_count(2)

    centre = page.evaluate(SHOWN)
    choose(page, "Crop", "Stretch")
    stretched = redrawn(page, centre)
    choose(page, "Crop", "Fit, with a border")
    redrawn(page, stretched)
    choose(page, "Size", "32")
    choose(page, "Crop", "Cut to the middle")
    settled(page)

    page.reload()  # what was dropped is still there
    expect(page.locator(".own-pictures img")).to_have_count(24, timeout=60_000)
    choose(page, "Size", "32")
    typed(page.get_by_label("Name", exact=True), "light and dark")
    page.get_by_role("button", name="Keep", exact=True).click()
    form = page.locator(".st-key-train_form")
    expect(form.get_by_text("32×32 colour, 2 classes")).to_be_visible(timeout=60_000)

    form.get_by_role("combobox", name="Architecture").click()
    page.get_by_role("option", name="fully connected").click()
    settled(page)
    typed(form.get_by_label("Epochs", exact=True), "2")
    settled(page)
    form.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("test ELBO").first).to_be_visible(timeout=120_000)
    page.get_by_role("button", name="Explore", exact=True).click()
    live(page)
    background(page)
    page.get_by_role("link", name="Encode").click()
    page.get_by_role("button", name="Take a random test image").click()
    expect(page.locator(".enc-x").first).to_be_visible(timeout=30_000)


def test_a_folder_keeps_its_subfolders_as_classes_and_its_name(panel, tmp_path):
    for place, kind in enumerate(("cats", "dogs")):
        (folder := tmp_path / "pets" / kind).mkdir(parents=True)
        for index in range(8):
            (folder / f"{index}.png").write_bytes(awful_zip.encoded(awful_zip.picture(100 * place + index)))
    panel.get_by_text("A folder", exact=True).click()
    folders = panel.locator(".st-key-own_take input[webkitdirectory]")
    folders.wait_for(state="attached")
    folders.set_input_files(tmp_path / "pets")
    expect(panel.locator(".own-classes li")).to_have_text(["cats8", "dogs8"], timeout=60_000)
    expect(panel.get_by_label("Name", exact=True)).to_have_value("pets")


def test_a_bomb_is_refused_in_a_sentence_and_the_panel_goes_on(panel):
    drop(panel, "bomb.zip", awful_zip.bomb())
    expect(panel.get_by_text("bomb.zip: ")).to_be_visible(timeout=60_000)
    assert not list(incoming_root().iterdir())
    drop(panel, "good.zip", awful_zip.awful_zip())
    expect(panel.locator(".own-pictures img")).to_have_count(24, timeout=60_000)


def test_nothing_is_cut_off_on_a_phone(panel):
    drop(panel, "good.zip", awful_zip.awful_zip())
    panel.set_viewport_size({"width": 390, "height": 844})
    expect(panel.locator(".own-left-out")).to_be_visible(timeout=60_000)
    settled(panel)
    assert panel.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    panel.get_by_role("button", name="Choose others").click()
    expect(panel.get_by_text("Add pictures")).to_be_visible()
    assert panel.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390


@pytest.fixture
def held():
    """Processes that were halted."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def keep_and_hold(page: Page, server: Server, name: str) -> int:
    """Drops pictures, keeps them under this name, and halts the process of the import."""
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        for number in range(400):
            archive.writestr(f"{number}.png", awful_zip.encoded(awful_zip.picture(number)))
    page.goto(f"{server.url}/train?own=new")
    expect(page.get_by_text("Add pictures")).to_be_visible(timeout=60_000)
    drop(page, f"{name}.zip", file.getvalue())
    expect(page.get_by_label("Name", exact=True)).to_have_value(name, timeout=60_000)
    page.get_by_role("button", name="Keep", exact=True).click()
    deadline = time.monotonic() + 60
    while True:
        assert time.monotonic() < deadline
        for job in import_jobs():
            pid = read_json(own_root() / ".jobs" / job.id / "status.json").get("pid")
            if job.name == name and pid:
                os.kill(pid, signal.SIGSTOP)
                assert job.live
                return pid
        time.sleep(0.005)


@pytest.fixture
def holding(server, page, monkeypatch, held):
    """A server and the halted process of an import called "many" that was begun on its page: (server, pid)."""
    monkeypatch.setenv("VAE_DATA", str(server.folder / "data"))
    running = server(VAE_DATA=str(server.folder / "data"))
    held.append(pid := keep_and_hold(page, running, "many"))
    return running, pid


def start_again(running: Server, page: Page) -> None:
    running.kill()
    running.start()
    page.goto(f"{running.url}/train?own=new")


def test_an_import_outlives_a_reload_and_a_killed_server_and_tells_that_it_is_kept(holding, page):
    running, pid = holding
    going = page.get_by_text("Importing many")
    page.reload()
    expect(going).to_be_visible(timeout=60_000)
    start_again(running, page)
    expect(going).to_be_visible(timeout=60_000)
    os.kill(pid, signal.SIGCONT)
    expect(page.get_by_text("many is kept.")).to_be_visible(timeout=60_000)
    expect(going).to_have_count(0)
    expect(page.locator(".st-key-own_row_many")).to_contain_text("400 pictures", timeout=60_000)


def test_an_import_that_is_killed_with_the_server_leaves_nothing_and_the_page_says_so(holding, page):
    running, pid = holding
    os.kill(pid, signal.SIGKILL)
    start_again(running, page)
    lost = page.get_by_text("many was not kept. The import ended before it was done")
    expect(lost).to_be_visible(timeout=60_000)
    assert [path.name for path in own_root().iterdir() if not path.name.startswith(".")] == []
    page.get_by_role("button", name="Dismiss").click()
    expect(lost).to_have_count(0)

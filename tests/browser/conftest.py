"""A real server for the tests with a browser; the browser itself is in tests/conftest.py."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from read_screen import BY_SERVER, background, live

from tools.browser import CHROMIUM_ARGUMENTS, find

ROOT = Path(__file__).parents[2]
ONNX, PORT = "LATENT_WALK_TESTS_ONNX", "LATENT_WALK_TESTS_PORT"  # in the environment: this file is loaded under two names


@dataclass
class Server:
    """`streamlit run app.py` as a process of its own, which can be killed and started again on the same port."""

    folder: Path  # holds checkpoints/, runs/ and the log
    env: dict[str, str] = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")

    def start(self) -> Server:
        with suppress(FileExistsError):
            (self.folder / "runs" / ".onnx").symlink_to(os.environ[ONNX], target_is_directory=True)
        self.port = self.port or usual_port()
        folders = {"VAE_RUNS": str(self.folder / "runs"), "VAE_CHECKPOINTS": str(self.folder / "checkpoints")}
        env = {**os.environ, **folders, **self.env}
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)]
        command += ["--server.address", "127.0.0.1", "--server.headless", "true"]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
        self._wait_until_healthy()
        return self

    def _wait_until_healthy(self, patience: float = 60) -> None:
        assert self.process is not None
        end = time.monotonic() + patience
        while time.monotonic() < end:
            assert self.process.poll() is None, f"the server ended by itself:\n{self.log}"
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2):
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"no answer on {self.url} after {patience} s:\n{self.log}")

    def kill(self) -> None:
        """As abruptly as `kill -9`."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture(scope="session", autouse=True)
def shared_onnx_files(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What all servers of the tests share: many tests open the same model, and each file takes seconds."""
    os.environ[ONNX] = str(tmp_path_factory.mktemp("onnx"))


@pytest.fixture(autouse=True)
def drawn_by_the_server(request: pytest.FixtureRequest) -> None:
    """Unless a test says otherwise: where the browser takes over in the middle, the same z may look another 1/255."""
    if "page" in request.fixturenames:
        request.getfixturevalue("page").add_init_script(BY_SERVER)


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[BrowserContext]:
    """A Chromium that keeps what it has compiled of the pages' scripts, which a private window never does: a page then costs a
    third less."""
    folder = tmp_path_factory.mktemp("profile")
    kept = browser.browser_type.launch_persistent_context(
        folder, executable_path=find(), args=CHROMIUM_ARGUMENTS, viewport={"width": 1280, "height": 720}
    )
    yield kept
    kept.close()


@pytest.fixture
def context(request: pytest.FixtureRequest, browser: Browser) -> Iterator[BrowserContext]:
    """The kept profile, without what the test before has stored in it."""
    if browser.browser_type.name != "chromium":
        made = browser.new_context(viewport={"width": 1280, "height": 720})
        yield made
        made.close()
        return
    kept = request.getfixturevalue("profile")
    origins: set[str] = set()
    note = lambda request: origins.add(urljoin(request.url, "/"))  # noqa: E731
    kept.on("request", note)
    yield kept
    kept.remove_listener("request", note)
    empty(kept, origins)


def empty(kept: BrowserContext, origins: set[str]) -> None:
    """Ends what a test has opened and changed, and forgets what its pages have stored."""
    first, *others = kept.pages  # with its last tab the browser would end
    for tab in others:
        tab.close()
    kept.unroute_all()
    kept.set_offline(False)
    kept.clear_cookies()
    kept.clear_permissions()
    session = kept.new_cdp_session(first)
    for origin in origins:
        session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "local_storage,indexeddb"})
    session.detach()


def usual_port() -> int:
    """The same again where it is free: what the browser has kept of a page goes by its address."""
    usual = int(os.environ.setdefault(PORT, str(free_port())))
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            probe.bind(("127.0.0.1", usual))
            return usual
    return free_port()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """server(**env) starts one; put model files into `folder / "checkpoints"` before, with `server.folder`."""
    started: list[Server] = []

    def make(**env: str) -> Server:
        folder = tmp_path / f"server{len(started)}" if started else tmp_path
        (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
        (folder / "runs").mkdir(exist_ok=True)
        started.append(Server(folder, env))
        return started[-1].start()

    (tmp_path / "checkpoints").mkdir()
    make.folder = tmp_path  # type: ignore[attr-defined]
    yield make
    for one in started:
        one.kill()


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory, make_model: Callable[..., Path]) -> Iterator[Server]:
    """One server for all tests of a file, with the models tiny (4 dimensions) and bare (no encoded images)."""
    folder = tmp_path_factory.mktemp("steady")
    (folder / "checkpoints").mkdir()
    (folder / "runs").mkdir()
    make_model(folder / "checkpoints" / "tiny.safetensors", latent_dim=4, inactive=1)
    make_model(folder / "checkpoints" / "bare.safetensors", codes=False)
    running = Server(folder).start()
    yield running
    running.kill()


@pytest.fixture
def mapped(steady: Server, page: Page) -> Page:
    """Explore with the four-dimensional model, its map drawn with its background."""
    page.goto(f"{steady.url}/?model=tiny&z=0,0,0,0")
    live(page)
    background(page)
    return page

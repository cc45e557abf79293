"""Finds a Chromium and a Firefox for the browser tests, and installs one where there is none.

`find()` only looks; `ensure()` also installs: Playwright's own build, else the Debian package when root.
`python -m tools.browser` prints the paths. The variables CHROMIUM and FIREFOX name one explicitly.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright


@dataclass(frozen=True)
class Engine:
    """One kind of browser: Playwright's name of it, and what it is called where it is installed."""

    name: str
    title: str
    commands: tuple[str, ...]
    mac_apps: tuple[str, ...]
    package: str  # Debian's

    @property
    def variable(self) -> str:
        return self.name.upper()


CHROMIUM = Engine(
    "chromium",
    "Chromium or Chrome",
    ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge"),
    ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium"),
    "chromium",
)
FIREFOX = Engine(
    "firefox", "Firefox", ("firefox", "firefox-esr"), ("/Applications/Firefox.app/Contents/MacOS/firefox",), "firefox-esr"
)
CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-gpu"]
ENGINES = {engine.name: engine for engine in (CHROMIUM, FIREFOX)}


class NoBrowserError(RuntimeError):
    """No such browser here, and none could be installed; the message says what to do."""


def find(engine: Engine = CHROMIUM) -> Path | None:
    """The first browser of this kind that starts: the one its variable names, an installed one, Playwright's own."""
    named = os.environ.get(engine.variable)
    if named:
        if not _starts(named):
            raise NoBrowserError(f"{engine.variable}={named} does not start. Unset it, or give the path of a {engine.title}.")
        return Path(named)
    return next((Path(path) for path in _candidates(engine) if path and _starts(path)), None)


def ensure(engine: Engine = CHROMIUM) -> Path:
    """A browser of this kind that starts, installed now if need be.

    Raises:
        NoBrowserError: with what was tried and what to do.
    """
    found = find(engine)
    for install in (_install_playwrights, _install_debians):
        if found:
            return found
        install(engine)
        found = find(engine)
    if found:
        return found
    raise NoBrowserError(
        f"The browser tests need {engine.title} and none could be installed (tried `playwright install {engine.name}`"
        + (" and apt-get). " if _is_root() else "; apt-get needs root). ")
        + f"Install {engine.title}, or name one: make test {engine.variable}=/path/to/{engine.commands[0]}"
    )


def launch(playwright: Playwright, engine: Engine, installed: Path | None) -> Browser:
    """Starts what `find` found; None is Playwright's own build, whose absence is an error."""
    if engine is CHROMIUM:
        return playwright.chromium.launch(executable_path=installed, args=CHROMIUM_ARGUMENTS)
    if installed is None or installed == Path(playwright.firefox.executable_path):
        return playwright.firefox.launch()
    # A Firefox as people have it: driven by WebDriver BiDi, where Playwright's own build is driven by a patch.
    return playwright.firefox.launch(channel="moz-firefox", executable_path=installed)


def _candidates(engine: Engine) -> Iterator[str | None]:
    yield from (shutil.which(command) for command in engine.commands)
    yield from engine.mac_apps
    yield _playwright_path(engine)


def _starts(path: str) -> bool:
    if not Path(path).exists():
        return False
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _playwright_path(engine: Engine) -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return getattr(playwright, engine.name).executable_path


def _install_playwrights(engine: Engine) -> None:
    with_deps = ["--with-deps"] if _is_root() and shutil.which("apt-get") else []
    _try([sys.executable, "-m", "playwright", "install", *with_deps, engine.name])


def _install_debians(engine: Engine) -> None:
    if _is_root() and shutil.which("apt-get"):
        _try(["apt-get", "update", "-q"])
        _try(["apt-get", "install", "-y", "-q", "--no-install-recommends", engine.package])


def _try(argv: list[str]) -> None:
    """Runs it with its output on stderr; a failure is judged by whether a browser then starts."""
    print("+", " ".join(argv), file=sys.stderr)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=600, check=False, env=environment)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


if __name__ == "__main__":
    try:
        for wanted in ENGINES.values():
            print(ensure(wanted))
    except NoBrowserError as error:
        sys.exit(str(error))

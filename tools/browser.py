"""Finds a Chromium for the browser tests, and installs one where there is none.

`find()` only looks; `ensure()` also installs: Playwright's own build, else the Debian package when root.
`python -m tools.browser` prints the path. The variable CHROMIUM names one explicitly.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
MAC_APPS = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium")


class NoBrowserError(RuntimeError):
    """No Chromium here, and none could be installed; the message says what to do."""


def find() -> Path | None:
    """The first Chromium that starts: $CHROMIUM, an installed one, Playwright's own."""
    named = os.environ.get("CHROMIUM")
    if named:
        if not _starts(named):
            raise NoBrowserError(f"CHROMIUM={named} does not start. Unset it, or give the path of a Chromium or Chrome.")
        return Path(named)
    return next((Path(path) for path in _candidates() if path and _starts(path)), None)


def ensure() -> Path:
    """A Chromium that starts, installed now if need be.

    Raises:
        NoBrowserError: with what was tried and what to do.
    """
    found = find()
    for install in (_install_playwrights, _install_debians):
        if found:
            return found
        install()
        found = find()
    if found:
        return found
    raise NoBrowserError(
        "The browser tests need Chromium and none could be installed (tried `playwright install chromium`"
        + (" and apt-get). " if _is_root() else "; apt-get needs root). ")
        + "Install Chromium or Chrome, or name one: make test CHROMIUM=/path/to/chrome"
    )


def _candidates() -> Iterator[str | None]:
    yield from (shutil.which(name) for name in NAMES)
    yield from MAC_APPS
    yield _playwright_path()


def _starts(path: str) -> bool:
    if not Path(path).exists():
        return False
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _playwright_path() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def _install_playwrights() -> None:
    with_deps = ["--with-deps"] if _is_root() and shutil.which("apt-get") else []
    _try([sys.executable, "-m", "playwright", "install", *with_deps, "chromium"])


def _install_debians() -> None:
    if _is_root() and shutil.which("apt-get"):
        _try(["apt-get", "update", "-q"])
        _try(["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"])


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
        print(ensure())
    except NoBrowserError as error:
        sys.exit(str(error))

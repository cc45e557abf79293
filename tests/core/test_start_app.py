"""`make run` before the app starts: wrong Python, taken ports, and a browser that is named but does not start."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tools import browser, start_app

ROOT = Path(__file__).parents[2]


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        listener.listen(1)
        yield listener.getsockname()[1]


def make(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    argv = ["make", "--no-print-directory", *words]
    environment = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=120, check=False, env=environment)


def serve_on(port: object) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "tools.start_app", "--port", str(port)]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_a_port_in_use_is_named_and_a_free_one_is_offered(taken_port):
    result = serve_on(taken_port)
    assert result.returncode == 1
    assert f"Port {taken_port} is in use" in result.stderr
    offered = result.stderr.rsplit("PORT=", 1)[1].strip()
    assert start_app.port_problem("localhost", offered) is None
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("port", ["abc", "0", "65536", "-1", ""])
def test_a_port_that_is_no_port_is_refused_with_the_allowed_range(port):
    problem = start_app.port_problem("localhost", port)
    assert problem is not None and "1 to 65535" in problem and repr(port) in problem


def test_an_address_of_another_machine_is_refused_with_the_allowed_ones():
    problem = start_app.port_problem("192.0.2.1", "8501")  # TEST-NET-1: nobody's own address
    assert problem is not None and "192.0.2.1" in problem and "localhost" in problem


def test_the_server_never_asks_for_an_email_address():
    assert " ".join(start_app.command("localhost", "8501")).endswith("--server.headless true")


def test_make_refuses_an_unsupported_python_and_says_which_are_supported(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").write_text("")
    old = tmp_path / "python-of-old"
    old.write_text('#!/bin/sh\ntest "$1" = --version && echo "Python 3.8.1"\nexit $((!($# == 1)))\n')
    old.chmod(0o755)
    result = make("run", f"PYTHON={old}", folder=tmp_path)
    assert result.returncode != 0
    assert "needs Python 3.11, 3.12 or 3.13; got Python 3.8.1" in result.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_requirement_that_changed_is_installed_again_and_otherwise_nothing_is(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    requirements, stamps = tmp_path / "requirements.txt", tmp_path / ".venv"
    stamps.mkdir()
    requirements.write_text("")
    for age, path in enumerate([stamps / ".run", requirements, stamps / ".made"]):
        path.touch()
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    assert "pip install" not in make("-n", "run", folder=tmp_path).stdout
    os.utime(requirements, (2_000_000, 2_000_000))
    assert "pip install" in make("-n", "run", folder=tmp_path).stdout


@pytest.mark.parametrize("engine", browser.ENGINES.values(), ids=browser.ENGINES)
def test_a_named_browser_that_does_not_start_is_an_error_and_not_a_silent_choice(engine, monkeypatch, tmp_path):
    monkeypatch.setenv(engine.variable, str(tmp_path / "nothing"))
    with pytest.raises(browser.NoBrowserError, match=f"{engine.variable}=.* does not start"):
        browser.find(engine)


@pytest.mark.parametrize("engine", browser.ENGINES.values(), ids=browser.ENGINES)
def test_without_any_browser_the_error_says_what_to_install(engine, monkeypatch):
    monkeypatch.delenv(engine.variable, raising=False)
    monkeypatch.setattr(browser, "_starts", lambda path: False)
    tried = []
    monkeypatch.setattr(browser, "_try", lambda argv: tried.append(argv))
    with ThreadPoolExecutor(1) as apart, pytest.raises(browser.NoBrowserError, match=f"{engine.variable}="):
        apart.submit(browser.ensure, engine).result()  # Playwright starts once in a thread
    assert tried[0][0] == sys.executable and tried[0][-1] == engine.name

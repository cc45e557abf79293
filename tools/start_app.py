"""`make run`: checks that the port is free, prints the address, then becomes the Streamlit server."""

from __future__ import annotations

import argparse
import errno
import os
import socket
import sys


def main() -> None:
    """Replaces this process by Streamlit; on a port that cannot be used, exits 1 with a sentence."""
    parser = argparse.ArgumentParser(description="Start Latent Walk.")
    parser.add_argument("--address", default="localhost", help="0.0.0.0 lets other machines in")
    parser.add_argument("--port", default="8501")
    options = parser.parse_args()
    problem = port_problem(options.address, options.port)
    if problem:
        sys.exit(problem)
    shown = "localhost" if options.address in ("0.0.0.0", "::") else options.address
    print(f"Starting Latent Walk at http://{shown}:{options.port} (Ctrl-C stops it)", flush=True)
    os.execv(sys.executable, command(options.address, options.port))


def command(address: str, port: str) -> list[str]:
    """The argv of the server: headless, because Streamlit would otherwise ask for an e-mail address on its first start."""
    flags = {"--server.address": address, "--server.port": port, "--server.headless": "true"}
    return [sys.executable, "-m", "streamlit", "run", "app.py", *(word for flag in flags.items() for word in flag)]


def port_problem(address: str, port: str) -> str | None:
    """Why nothing can listen there, as a sentence with the next step; None when it can."""
    if not port.isdigit() or not 1 <= int(port) <= 65535:
        return f"PORT must be a number from 1 to 65535; got {port!r}. Example: make run PORT=8502"
    try:
        _listen(address, int(port))
    except OSError as error:
        return _explain(error, address, int(port))
    return None


def _listen(address: str, port: int) -> None:
    family, kind, protocol, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        # As the server does: a port whose last connection has only just closed counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(where)
        probe.listen(1)


def _explain(error: OSError, address: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use by another program. Choose another: make run PORT={_free_port(address, port)}"
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than you have. Choose one above 1023: make run PORT=8501"
    return f"Cannot listen on {address!r}, port {port}: {error.strerror}. Try ADDRESS=localhost, or 0.0.0.0 for every network."


def _free_port(address: str, port: int) -> int:
    """The next port that can be used; the asked one's successor when none of the next hundred is free."""
    following = range(port + 1, min(port + 101, 65536))
    return next((other for other in following if _is_free(address, other)), port + 1)


def _is_free(address: str, port: int) -> bool:
    try:
        _listen(address, port)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()

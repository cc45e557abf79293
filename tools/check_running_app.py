"""Asks a running app for one decoded picture, as any outside program can: `python -m tools.check_running_app [URL] [MODEL]`.

Waits until the server is healthy, opens the socket, sends z = 0 and checks the answer. Needs only the
`websockets` package, no part of this project, so it can also be sent into a container.
"""

from __future__ import annotations

import os
import struct
import sys
import time
import urllib.request
from urllib.parse import quote

from websockets.sync.client import connect

HELLO, DECODE = 2, 1


def wait_for_health(url: str, patience: float = 60.0) -> float:
    """Seconds until the server answered on its health address.

    Raises:
        SystemExit: it did not within `patience` seconds.
    """
    begin = time.monotonic()
    while time.monotonic() - begin < patience:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
                if answer.read() == b"ok":
                    return time.monotonic() - begin
        except OSError:
            time.sleep(0.1)
    sys.exit(f"{url} is not healthy after {patience:g} s")


def decode_zero(url: str, model: str) -> tuple[tuple[int, int, int], bytes]:
    """(height, width, channels) and the pixels of the picture at z = 0."""
    with connect(f"{url.replace('http', 'ws', 1)}/live?model={quote(model)}", max_size=2**24) as socket:
        hello = socket.recv(timeout=60)
        assert isinstance(hello, bytes) and hello[0] == HELLO, hello
        latent_dim = struct.unpack_from("<xxH", hello)[0]
        socket.send(struct.pack(f"<B3xI{latent_dim}f", DECODE, 1, *[0.0] * latent_dim))
        reply = socket.recv(timeout=60)
    assert isinstance(reply, bytes), reply
    kind, channels, sequence, height, width = struct.unpack_from("<BBxxIHH", reply)
    assert (kind, sequence, len(reply)) == (DECODE, 1, 12 + height * width * channels), reply[:12]
    return (height, width, channels), reply[12:]


def main() -> None:
    """Print what was got; exit 1 when the picture is blank."""
    url, model = [*sys.argv[1:], *["http://127.0.0.1:8501", "mnist-2d"][len(sys.argv) - 1 :]]
    seconds = wait_for_health(url)
    shape, pixels = decode_zero(url, model)
    user = os.getuid() if hasattr(os, "getuid") else "?"
    low, high = min(pixels), max(pixels)
    print(f"healthy after {seconds:.1f} s; {model} at z = 0: {shape}, pixels from {low} to {high}; asked by user {user}")
    sys.exit(low == high)


if __name__ == "__main__":
    main()

"""The baseline of live_load.py: a live route as a first version would write it. One decoder call for each picture, float32."""

from __future__ import annotations

import struct
import sys

import numpy as np
import torch
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from vae_core.model_files.checkpoints import load

REQUEST = struct.Struct("<B3xI")
REPLY = struct.Struct("<BBxxIHH")


def main(port: int, path: str) -> None:
    vae = load(path).model.eval()

    @torch.inference_mode()
    def decode(z: np.ndarray) -> np.ndarray:
        mean = vae.decode(torch.from_numpy(z)).mean  # (1, C, H, W)
        return (mean[0] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()

    async def live(socket: WebSocket) -> None:
        await socket.accept()
        try:
            while True:
                frame = await socket.receive_bytes()
                z = np.frombuffer(frame, "<f4", offset=REQUEST.size)[None].copy()
                picture = await run_in_threadpool(decode, z)
                height, width, channels = picture.shape
                sequence = REQUEST.unpack_from(frame)[1]
                await socket.send_bytes(REPLY.pack(1, channels, sequence, height, width) + picture.tobytes())
        except WebSocketDisconnect:
            return

    async def health(_: object) -> PlainTextResponse:
        return PlainTextResponse("ok")

    app = Starlette(routes=[WebSocketRoute("/live", live), Route("/_stcore/health", health)])
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", ws="websockets-sansio", ws_per_message_deflate=False)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])

"""The routes of the map without a server."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.applications import Starlette

from ui.server.map_route import map_routes


@pytest.fixture
def ask_route():
    """ask_route(method, path, headers, **query): the answer of one of the map's routes."""
    transport = httpx.ASGITransport(Starlette(routes=map_routes()))

    async def fetch(method, path, headers, query):
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return await client.request(method, path, params=query, headers=headers)

    with ThreadPoolExecutor(1) as pool:  # Playwright keeps a loop of its own in the thread of the tests
        yield lambda method, path, headers=None, **query: pool.submit(asyncio.run, fetch(method, path, headers, query)).result()

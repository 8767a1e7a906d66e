"""Dashboards of an HPC centre behind a user's server: a real one, and a gateway by HTTPS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from aiohttp import WSMsgType, web
from support.kubernetes_api import Serving
from support.waiting import minutes
from user_server import server

from geodes_datalab.hub.check.visit import closed

INSIDE = "/proxy/hpda/clusters/abc/word/status"
ROOT = "/services/dask-gateway-hpda"


class Centre(Serving):
    """A gateway with one dashboard, which notes what it is told of the browser."""

    def __init__(self, authority: trustme.CA) -> None:
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(self.tls)
        self.seen: list[tuple[str, set[str]]] = []

    def routes(self) -> list[web.RouteDef]:
        """Return what is served."""
        return [
            web.get(f"{ROOT}/clusters/abc/word/status", self._page),
            web.get(f"{ROOT}/clusters/abc/word/status/ws", self._socket),
            web.get("/{other:.*}", self._page),
        ]

    async def _page(self, request: web.Request) -> web.Response:
        self.seen.append((request.path_qs, {name.lower() for name in request.headers}))
        return web.Response(text="the dashboard")

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        self.seen.append((request.path_qs, {name.lower() for name in request.headers}))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data.upper())
        return socket


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def centre(authority: trustme.CA) -> Iterator[Centre]:
    with Centre(authority) as centre:
        yield centre


@pytest.fixture(scope="module")
def ask(
    centre: Centre, authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("user")
    bundle = folder / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    environment = {
        "DASK_GATEWAY_HPDA__ADDRESS": f"{centre.address}{ROOT}",
        "SSL_CERT_FILE": str(bundle),
    }
    with server(folder, **environment) as ask:
        yield ask


def test_the_owner_sees_a_page_and_the_centre_learns_no_secret(ask: Any, centre: Centre) -> None:
    headers = {"Cookie": "jupyterhub-session-id=x", "X-XSRFToken": "y"}
    page = ask.raw("GET", f"{INSIDE}?a=b", headers=headers)
    assert page.text == "the dashboard"
    path, told = centre.seen[-1]
    assert path == f"{ROOT}/clusters/abc/word/status?a=b"
    assert not told & {"cookie", "authorization", "x-xsrftoken"}


def test_a_websocket_passes(ask: Any, centre: Centre) -> None:
    from tornado.httpclient import HTTPRequest
    from tornado.websocket import websocket_connect

    async def talk() -> Any:
        url = f"{ask.url}{INSIDE}/ws".replace("http", "ws", 1)
        connection = await websocket_connect(
            HTTPRequest(url, headers={"Authorization": "token secret"})
        )
        await connection.write_message("hello")
        answer = await connection.read_message()
        await closed(connection)
        return answer

    assert asyncio.run(talk()) == "HELLO"
    assert "authorization" not in centre.seen[-1][1]


@pytest.mark.parametrize(
    "path",
    [
        "/proxy/hpda/",
        "/proxy/hpda/api/v1/clusters/",
        "/proxy/hpda/clusters/",
        "/proxy/hpda/clusters/%2e%2e/api/v1/clusters/",
    ],
)
def test_nothing_else_of_the_centre_is_reached(ask: Any, centre: Centre, path: str) -> None:
    before = len(centre.seen)
    assert ask.raw("GET", path).status_code == 404
    assert ask.raw("POST", INSIDE).status_code == 405
    assert len(centre.seen) == before


def test_strangers_are_sent_away(ask: Any, centre: Centre) -> None:
    before = len(centre.seen)
    answer = requests.get(f"{ask.url}{INSIDE}", allow_redirects=False, timeout=minutes(2))
    assert answer.status_code in (302, 403)
    assert len(centre.seen) == before


def test_a_server_without_a_centre_has_no_such_path(tmp_path: Path) -> None:
    with server(tmp_path) as ask:
        assert ask.raw("GET", INSIDE).status_code == 404

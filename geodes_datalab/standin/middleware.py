"""The outer shell of the app: latency, faults, and the log of what was received."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geodes_datalab.standin import portal
from geodes_datalab.standin.faults import Fault
from geodes_datalab.standin.recorder import Received, decode, redact

ANSWERING = ("status", "truncate", "redirect", "cut")
CONTROL = "/_stand-in"


class ConnectionCut(Exception):
    """Raised to make the server close the connection before the answer is whole."""


class Shell:
    """What stands around the routes, outside of Starlette's own error handling."""

    def __init__(self, app: ASGIApp, state: portal.Portal) -> None:
        self.app = app
        self.state = state

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; everything but HTTP passes through."""
        if scope["type"] != "http" or scope["path"].startswith(CONTROL):
            await self.app(scope, receive, send)
            return
        body = await _read(receive)
        statuses: list[int] = []

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                self._log(scope, body, message["status"])
            await send(message)

        try:
            await self._answer(scope, body, noted)
        except ConnectionCut:
            if statuses:
                raise  # the server closes the connection of an unfinished answer
            self._log(scope, body, 0)
            await _hang_up(send)

    async def _answer(self, scope: Scope, body: bytes, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        slow = self.state.faults.take(method, path, kinds=("slow",))
        wait = slow.seconds if slow else 0.0
        if path.startswith("/api/stac"):
            wait += self.state.settings.latency
        if wait:
            await asyncio.sleep(wait)
        fault = self.state.faults.take(method, path, kinds=ANSWERING)
        receive = _replay(body)
        if fault is None:
            await self.app(scope, receive, send)
        elif fault.kind == "truncate":
            await self.app(scope, receive, _truncating(send, fault.share))
        elif fault.kind == "cut":
            raise ConnectionCut
        else:
            await _failing(fault, Request(scope))(scope, receive, send)

    def _log(self, scope: Scope, body: bytes, status: int) -> None:
        headers = scope["headers"]
        key = next((value.decode("latin-1") for name, value in headers if name == b"x-api-key"), "")
        entry = Received(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            headers=redact(headers),
            body=decode(body),
            key=self.state.accounts.state(key),
            status=status,
        )
        self.state.requests.add(entry)


def _failing(fault: Fault, request: Request) -> Response:
    if fault.kind == "redirect":
        return portal.redirect_loop(request)
    reply = portal.error(fault.status, "InjectedFault", "A fault that a test switched on")
    if fault.retry_after is not None:
        reply.headers["Retry-After"] = f"{fault.retry_after:g}"
    return reply


def _truncating(send: Send, share: float) -> Send:
    """Return a `send` that announces the whole body, passes a share, and cuts the connection."""
    announced = 0

    async def cutting(message: Message) -> None:
        nonlocal announced
        if message["type"] == "http.response.start":
            lengths = [value for name, value in message["headers"] if name == b"content-length"]
            announced = int(lengths[0]) if lengths else 0
            await send(message)
            return
        part: Any = message.get("body", b"")[: int(announced * share)]
        await send({"type": "http.response.body", "body": part, "more_body": True})
        raise ConnectionCut

    return cutting


async def _hang_up(send: Send) -> None:
    """Close the connection without an answer, which ASGI has no word for: uvicorn's own way."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionCut
    transport.abort()
    await asyncio.sleep(0.01)  # lets the loop tell the server that the client is gone


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


def _replay(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive

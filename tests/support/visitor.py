"""A person who uses a datalab as a browser does: by forms, cookies and websockets.

Works on any JupyterHub: local mode, Kubernetes, somebody else's.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import requests
from support import terminal
from support.waiting import eventually, minutes

from geodes_datalab.hub.check.visit import Visit, closed, execute_request


class Failure(AssertionError):
    """The datalab did not do what a test waits for."""


@dataclass
class Visitor(Visit):
    """A person with a browser: cookies, forms, websockets."""

    timeout: float = field(default_factory=lambda: minutes(5))
    answers_within: float = field(default_factory=lambda: minutes(3))

    @property
    def name(self) -> str:
        """Of the person."""
        return self.user

    def fail(self, message: str, *, hint: str = "") -> NoReturn:
        """Give up as a test does."""
        raise Failure(message)

    def use_token(self, token: str) -> None:
        """Act with an API token of the user instead of a login, where others keep the passwords."""
        self.session.headers["Authorization"] = f"token {token}"

    def spawn(self, *, within: float = 10) -> float:
        """Start the server and return the seconds until it answers (limit in minutes)."""

        def answers() -> bool:
            if not self.server_pending():
                self.page("hub/spawn")
            return self.server_answers()

        return eventually(answers, f"server of {self.name}", within=within).seconds

    def server_answers(self) -> bool:
        """Tell whether the user's server works."""
        answer = self.get("lab", allow_redirects=True)
        return answer.status_code == 200 and answer.url.startswith(
            f"{self.url}user/{self.name}/lab"
        )

    def server_pending(self) -> bool:
        """Tell whether the hub is starting or stopping the user's server."""
        answer = self.page(f"hub/api/users/{self.name}")
        answer.raise_for_status()
        return bool(answer.json()["pending"])

    def start(self, options: Mapping[str, Any] | None = None) -> requests.Response:
        """Ask the hub for the own server, with the options of its form by name; do not wait."""
        return self.hub("POST", f"users/{self.name}/server", dict(options or {}))

    def start_by_form(self, fields: Mapping[str, str]) -> requests.Response:
        """Send the form of profiles as the spawn page does: 302 when all is well."""
        self.page(f"hub/spawn/{self.name}").raise_for_status()
        return self.form(f"hub/spawn/{self.name}", fields)

    def progress(self, *, within: float = 20) -> list[dict[str, Any]]:
        """Read what the page of a starting server shows, to its end (its last event says which).

        The limit is in minutes, and generous: the hub itself gives a spawn up in the end.
        """
        url = f"{self.url}hub/api/users/{self.name}/server/progress"
        events: list[dict[str, Any]] = []
        deadline = time.monotonic() + minutes(within)
        with self.session.get(url, stream=True, timeout=minutes(2)) as answer:
            answer.raise_for_status()
            for line in answer.iter_lines():
                if line.startswith(b"data:"):
                    events.append(json.loads(line.removeprefix(b"data:")))
                if time.monotonic() > deadline:
                    raise Failure(f"server of {self.name}: not within {within:g} min: {events}")
        return events

    def stop(self) -> None:
        """Stop the server through the hub's API, as the control panel does."""
        self.hub("DELETE", f"users/{self.name}/server").raise_for_status()

    def hub(self, method: str, path: str, body: Any = None) -> requests.Response:
        """Send JSON to the hub's API, as its own pages do."""
        if method == "GET":
            return self.page(f"hub/api/{path}")
        if "Authorization" not in self.session.headers:
            self.page("hub/home").raise_for_status()
        return self.ask(method, f"hub/api/{path}", body)

    def get(
        self, path: str, *, user: str | None = None, allow_redirects: bool = False
    ) -> requests.Response:
        """Get a page below a user's server (by default one's own)."""
        return self.page(f"user/{user or self.name}/{path}", follow=allow_redirects)

    def send(self, method: str, path: str, body: Any = None) -> requests.Response:
        """Send JSON to a page below one's own server."""
        return self.ask(method, f"user/{self.name}/{path}", body)

    def read_file(self, path: str) -> str:
        """Return a text of one's home as the file browser does; empty: there is none."""
        answer = self.get(f"api/contents/{path}?type=file&format=text")
        return str(answer.json()["content"]) if answer.ok else ""

    def upload(self, path: str, data: bytes) -> None:
        """Put a file into one's home, and make the folder that it lies in."""
        folder = path.rpartition("/")[0]
        content = base64.b64encode(data).decode()
        model = {"type": "file", "format": "base64", "content": content}
        for place, what in ((folder, {"type": "directory"}), (path, model)):
            if place:
                self.send("PUT", f"api/contents/{place}", what).raise_for_status()

    def kernel(self, name: str = "python3") -> Kernel:
        """Start a kernel of the launcher."""
        answer = self.send("POST", "api/kernels", {"name": name})
        answer.raise_for_status()
        return Kernel(self, answer.json()["id"])

    def type(self, text: str) -> None:
        """Open a terminal, type a line, and close its page when the shell has read it."""
        place = f"{self.url}user/{self.name}"
        headers = self.headers("api/terminals")
        with terminal.page(place, headers, terminal.begun(place, headers)) as shell:
            shell.typed(f"echo re''ady; {text}\r", until="ready")

    def websocket_status(self, path: str, *, user: str | None = None) -> int:
        """Ask for a websocket below a user's server; return the status (101: it opened)."""
        return asyncio.run(self._handshake(f"user/{user or self.name}/{path}"))

    def headers(self, path: str) -> dict[str, str]:
        """Return headers with which any client acts as this visitor below one's own server."""
        sent = self.websocket(path).headers
        found = {name: str(value) for name, value in sent.items()}
        if "Authorization" not in found:
            found["X-XSRFToken"] = self.xsrf(f"user/{self.name}/")
        return found

    async def _handshake(self, path: str) -> int:
        from tornado.httpclient import HTTPClientError
        from tornado.websocket import websocket_connect

        try:
            connection = await websocket_connect(self.websocket(path))
        except HTTPClientError as error:
            return int(error.code)
        await closed(connection)
        return 101


@dataclass
class Kernel:
    """A kernel behind the hub, spoken to through its websocket."""

    visitor: Visitor
    id: str

    def run(self, code: str, *, timeout: float | None = None) -> str:
        """Run code and return what it printed and its value's text.

        Parameters
        ----------
        code
            Python.
        timeout
            Seconds; five minutes if not given.

        Raises
        ------
        Failure
            The code raised, or did not end in time; or no way led to the kernel.
        """
        return asyncio.run(self._run(code, minutes(5) if timeout is None else timeout))

    def begin(self, code: str) -> None:
        """Run code and go away as soon as the kernel is busy with it."""
        asyncio.run(self._run(code, minutes(3), until="busy"))

    async def _run(self, code: str, seconds: float, until: str = "idle") -> str:
        from tornado.websocket import WebSocketClosedError

        connection = await self._connect()
        message = execute_request(code)
        try:
            async with asyncio.timeout(seconds):
                await connection.write_message(json.dumps(message))
                return await _outputs(connection, message["header"]["msg_id"], until)
        except TimeoutError:
            raise Failure(f"not done after {seconds:.0f} s:\n{code}") from None
        except WebSocketClosedError:
            raise Failure("the kernel's websocket was closed") from None
        finally:
            await closed(connection)

    async def _connect(self) -> Any:
        """Open the websocket; what stands in the way passes, so it is a failure and not an error."""
        from tornado.httpclient import HTTPClientError
        from tornado.websocket import websocket_connect

        path = f"user/{self.visitor.name}/api/kernels/{self.id}/channels"
        request = self.visitor.websocket(path)
        try:
            return await websocket_connect(request, max_message_size=100_000_000)
        except HTTPClientError as error:
            raise Failure(f"the kernel's websocket does not open: {error}") from error


async def _outputs(connection: Any, msg_id: str, until: str) -> str:
    """Collect a request's outputs until the kernel is idle again (or as soon as it is busy)."""
    texts: list[str] = []
    while True:
        raw = await connection.read_message()
        if raw is None:
            raise Failure("the kernel's websocket was closed")
        message = json.loads(raw)
        if message["parent_header"].get("msg_id") != msg_id:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            texts.append(content["text"])
        elif kind == "execute_result":
            texts.append(content["data"]["text/plain"])
        elif kind == "error":
            raise Failure("\n".join(content["traceback"]))
        elif kind == "status" and content["execution_state"] == until:
            return "".join(texts)

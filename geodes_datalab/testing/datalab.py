"""A whole datalab for tests, and a visitor who uses it as a browser would: by forms and sockets.

The real command starts the real parts in a folder of their own; nothing is imitated.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import requests


class Failure(AssertionError):
    """The datalab did not do what a test waits for."""


@dataclass
class Datalab:
    """A running local mode.

    Examples
    --------
    >>> with Datalab.start(Path("/tmp/state")) as datalab:  # doctest: +SKIP
    ...     alice = datalab.visitor("alice")
    ...     alice.spawn()
    ...     alice.kernel().run("6 * 7")
    '42'
    """

    state_dir: Path
    facts: dict[str, Any]
    environment: Mapping[str, str] | None = None
    visitors: list[Visitor] = field(default_factory=list)

    @classmethod
    def start(
        cls,
        state_dir: Path,
        *,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Datalab:
        """Start ``geodes-datalab up --background`` on free ports and wait until it is ready.

        Parameters
        ----------
        state_dir
            Folder for homes, logs and passwords.
        arguments
            Further arguments of ``up``.
        environment
            Whole environment of the command; by default this process's.
        """
        datalab = cls(state_dir, {}, environment)
        datalab.command("up", "--background", "--port=auto", *arguments)
        datalab.refresh()
        return datalab

    def command(self, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of ``geodes-datalab`` on this datalab; it must succeed."""
        done = subprocess.run(
            self.command_line(verb, *arguments),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            env=self.environment,
        )
        if done.returncode:
            raise Failure(f"geodes-datalab {verb} failed:\n{done.stdout}\n{done.stderr}")
        return done

    def command_line(self, verb: str, *arguments: str) -> list[str]:
        """Return a command line on this datalab."""
        state = f"--state-dir={self.state_dir}"
        return [sys.executable, "-m", "geodes_datalab.cli", verb, state, *arguments]

    def refresh(self) -> dict[str, Any]:
        """Return ``geodes-datalab status --json``, read anew."""
        done = subprocess.run(
            self.command_line("status", "--json"),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=self.environment,
        )
        self.facts = json.loads(done.stdout)
        return self.facts

    @property
    def url(self) -> str:
        """Address for browsers, with a slash at its end."""
        return str(self.facts["url"])

    @property
    def password(self) -> str:
        """Password of all users but admin."""
        return Path(self.facts["password_file"]).read_text("utf-8").strip()

    def part(self, name: str) -> dict[str, Any]:
        """Return facts about a part (hub, proxy, gateway, gateway-proxy, culler, catalogue)."""
        return next(part for part in self.refresh()["parts"] if part["name"] == name)

    def visitor(self, name: str) -> Visitor:
        """Log in as a user."""
        visitor = Visitor(self.url, name)
        self.visitors.append(visitor)
        visitor.log_in(self.password)
        return visitor

    def down(self) -> None:
        """Stop it."""
        for visitor in self.visitors:
            visitor.session.close()
        self.command("down")

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.down()


@dataclass
class Visitor:
    """A person with a browser: cookies, forms, websockets."""

    url: str
    name: str
    session: requests.Session = field(default_factory=requests.Session)

    def log_in(self, password: str) -> None:
        """Send the login form."""
        self.session.trust_env = False
        page = self.url + "hub/login"
        self.session.get(page, timeout=30).raise_for_status()
        form = {"username": self.name, "password": password, "_xsrf": self._xsrf("/hub/")}
        answer = self.session.post(page, data=form, allow_redirects=False, timeout=30)
        if answer.status_code != 302:
            raise Failure(f"login of {self.name} was answered with {answer.status_code}")

    def spawn(self, *, timeout: float = 240) -> float:
        """Start the server and return the seconds until it answers."""

        def answers() -> bool:
            if not self.server_pending():
                self.session.get(self.url + "hub/spawn", timeout=60)
            return self.server_answers()

        return wait_for(answers, f"server of {self.name}", timeout=timeout)

    def server_answers(self) -> bool:
        """Tell whether the user's server works."""
        answer = self.get("lab", allow_redirects=True)
        return answer.status_code == 200 and answer.url.startswith(
            f"{self.url}user/{self.name}/lab"
        )

    def server_pending(self) -> bool:
        """Tell whether the hub is starting or stopping the user's server."""
        answer = self.session.get(f"{self.url}hub/api/users/{self.name}", timeout=30)
        answer.raise_for_status()
        return bool(answer.json()["pending"])

    def stop(self) -> None:
        """Stop the server through the hub's API, as the control panel does."""
        url = f"{self.url}hub/api/users/{self.name}/server"
        self.session.get(self.url + "hub/home", timeout=30).raise_for_status()
        headers = {"X-XSRFToken": self._xsrf("/hub/"), "Content-Type": "application/json"}
        self.session.delete(url, headers=headers, timeout=60).raise_for_status()

    def get(
        self, path: str, *, user: str | None = None, allow_redirects: bool = False
    ) -> requests.Response:
        """Get a page below a user's server (by default one's own)."""
        url = f"{self.url}user/{user or self.name}/{path}"
        return self.session.get(url, allow_redirects=allow_redirects, timeout=60)

    def send(self, method: str, path: str, body: Any = None) -> requests.Response:
        """Send JSON to a page below one's own server."""
        url = f"{self.url}user/{self.name}/{path}"
        headers = {"X-XSRFToken": self._xsrf(f"/user/{self.name}/")}
        return self.session.request(method, url, json=body, headers=headers, timeout=90)

    def kernel(self) -> Kernel:
        """Start a Python kernel."""
        answer = self.send("POST", "api/kernels", {"name": "python3"})
        answer.raise_for_status()
        return Kernel(self, answer.json()["id"])

    def websocket_status(self, path: str, *, user: str | None = None) -> int:
        """Ask for a websocket below a user's server; return the status (101: it opened)."""
        return asyncio.run(self._handshake(f"user/{user or self.name}/{path}"))

    def websocket_request(self, path: str) -> Any:
        """Return a tornado request for a websocket, with this visitor's cookies."""
        from tornado.httpclient import HTTPRequest

        url = self.url.replace("http", "ws", 1) + path
        sent = self.session.prepare_request(requests.Request("GET", self.url + path))
        origin = self.url.rstrip("/")
        headers = {"Cookie": str(sent.headers.get("Cookie", "")), "Origin": origin}
        return HTTPRequest(url, headers=headers, connect_timeout=30, request_timeout=30)

    async def _handshake(self, path: str) -> int:
        from tornado.httpclient import HTTPClientError
        from tornado.websocket import websocket_connect

        try:
            connection = await websocket_connect(self.websocket_request(path))
        except HTTPClientError as error:
            return int(error.code)
        await _close(connection)
        return 101

    def _xsrf(self, path: str) -> str:
        found = [c.value for c in self.session.cookies if c.name == "_xsrf" and c.path == path]
        if not found or found[0] is None:
            raise Failure(f"there is no _xsrf cookie for {path}")
        return found[0]


@dataclass
class Kernel:
    """A kernel behind the hub, spoken to through its websocket."""

    visitor: Visitor
    id: str

    def run(self, code: str, *, timeout: float = 180) -> str:
        """Run code and return what it printed and its value's text.

        Raises
        ------
        Failure
            The code raised, or did not end in time.
        """
        return asyncio.run(self._run(code, timeout))

    async def _run(self, code: str, seconds: float) -> str:
        from tornado.websocket import websocket_connect

        path = f"user/{self.visitor.name}/api/kernels/{self.id}/channels"
        request = self.visitor.websocket_request(path)
        connection = await websocket_connect(request, max_message_size=100_000_000)
        message = _execute_request(code)
        try:
            async with asyncio.timeout(seconds):
                await connection.write_message(json.dumps(message))
                return await _outputs(connection, message["header"]["msg_id"])
        except TimeoutError:
            raise Failure(f"not done after {seconds:.0f} s:\n{code}") from None
        finally:
            await _close(connection)


async def _close(connection: Any) -> None:
    """Close a websocket and wait until it is."""
    connection.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(5):
            while await connection.read_message() is not None:
                pass


def _execute_request(code: str) -> dict[str, Any]:
    header = {
        "msg_id": uuid.uuid4().hex,
        "session": uuid.uuid4().hex,
        "username": "",
        "msg_type": "execute_request",
        "version": "5.3",
    }
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
    return {**message, "channel": "shell", "buffers": []}


async def _outputs(connection: Any, msg_id: str) -> str:
    """Collect a request's outputs until the kernel is idle again."""
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
        elif kind == "status" and content["execution_state"] == "idle":
            return "".join(texts)


def wait_for(true: Callable[[], bool], what: str, *, timeout: float = 120) -> float:
    """Wait until something is true; return the seconds that it took.

    Raises
    ------
    Failure
        It did not become true in time.
    """
    began = time.monotonic()
    while time.monotonic() - began < timeout:
        try:
            if true():
                return time.monotonic() - began
        except requests.RequestException:
            pass
        time.sleep(0.2)
    raise Failure(f"{what}: not within {timeout:.0f} s")


def port_of(url: str) -> int:
    """Return the port of an address."""
    port = urlsplit(url).port
    if port is None:
        raise Failure(f"{url} names no port")
    return port

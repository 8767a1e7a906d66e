"""A user of the hub, by password or by token: requests, and a kernel's websocket."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests

from geodes_datalab.errors import ServiceError

# A policy that was made a moment ago may take a second to be in force, and a proxy to know routes.
_PAUSE = 1.0
_LATE = "raise tests.timeoutSeconds if the cluster is slow"


@dataclass
class Visit:
    """Somebody who uses the datalab."""

    url: str
    """Address of the datalab, with a slash at its end."""
    user: str
    timeout: float
    """Seconds that each step may take."""
    session: requests.Session = field(default_factory=requests.Session)
    answers_within: float = 60.0
    """Seconds that an answer may take."""

    def __post_init__(self) -> None:
        """Take no proxy and no password from the surroundings, but their authorities."""
        self.session.trust_env = False
        self.session.verify = _authorities()

    def log_in(self, password: str) -> None:
        """Send the login form.

        Raises
        ------
        ServiceError
            The hub refuses.
        """
        self.page("hub/login").raise_for_status()
        answer = self.form("hub/login", {"username": self.user, "password": password})
        if answer.status_code != 302:
            self.fail(
                f"the hub refused the login of {self.user} ({answer.status_code})",
                hint="compare the password with the hub's; if auth.users is set, it must name "
                f"{self.user}",
            )

    def use_token(self, token: str) -> None:
        """Act with a service's token, and make the user where the hub does not know it.

        Raises
        ------
        ServiceError
            The hub refuses the token.
        """
        self.session.headers["Authorization"] = f"token {token}"
        path = f"hub/api/users/{self.user}"
        result = self.page(path)
        if result.status_code == 404:
            result = self.ask("POST", path)
        if result.status_code not in (200, 201):
            self.fail(
                f"the hub refused the token of the service check ({told(result)})",
                hint="restart the hub if the Secret was changed after its start",
            )

    def page(self, path: str, *, follow: bool = True) -> requests.Response:
        """Get a page below the datalab's address."""
        return self.session.get(
            self.url + path, allow_redirects=follow, timeout=self.answers_within
        )

    def form(self, path: str, fields: Mapping[str, str]) -> requests.Response:
        """Send a form of the hub's, whose page was opened before: 302 when all is well."""
        return self.session.post(
            self.url + path,
            data={**fields, "_xsrf": self.xsrf("hub/")},
            allow_redirects=False,
            timeout=self.answers_within,
        )

    def ask(self, method: str, path: str, body: Any = None) -> requests.Response:
        """Send JSON to a page below the datalab's address."""
        headers = {}
        if "Authorization" not in self.session.headers:
            home = "hub/" if path.startswith("hub/") else f"user/{self.user}/"
            headers["X-XSRFToken"] = self.xsrf(home)
        content = {} if body is None else body
        return self.session.request(
            method, self.url + path, json=content, headers=headers, timeout=self.answers_within
        )

    def fail(self, message: str, *, hint: str) -> NoReturn:
        """Give up.

        Raises
        ------
        ServiceError
            Always.
        """
        raise ServiceError(message, hint=hint)

    def wait(self, true: Callable[[], bool], what: str) -> None:
        """Wait until something is true.

        Raises
        ------
        ServiceError
            It did not become true in time; says what the last trouble was.
        """
        end, trouble = time.monotonic() + self.timeout, "no error was seen"
        while time.monotonic() < end:
            try:
                if true():
                    return
            except requests.RequestException as error:
                trouble = str(error)
            time.sleep(_PAUSE)
        raise ServiceError(
            f"{what}: not within {self.timeout:.0f} s ({trouble})",
            hint="look at the pods and their events; raise tests.timeoutSeconds on a slow cluster",
        )

    def run(self, kernel: str, code: str, *, late: str = _LATE) -> str:
        """Run code in a kernel and return what it printed.

        Parameters
        ----------
        kernel
            Its id.
        code
            Python.
        late
            What to do when there is no answer in time.

        Raises
        ------
        ServiceError
            The code raised, or did not end in time.
        """
        path = f"user/{self.user}/api/kernels/{kernel}/channels"
        try:
            return asyncio.run(self._run(path, code))
        except TimeoutError:
            raise ServiceError(
                f"the kernel had no answer within {self.timeout:.0f} s", hint=late
            ) from None

    async def _run(self, path: str, code: str) -> str:
        from tornado.websocket import websocket_connect

        connection = await websocket_connect(self.websocket(path))
        message = execute_request(code)
        try:
            async with asyncio.timeout(self.timeout):
                await connection.write_message(json.dumps(message))
                return await _printed(connection, message["header"]["msg_id"])
        finally:
            await closed(connection)

    def websocket(self, path: str) -> Any:
        """Return a request of tornado's for a websocket, with what a browser would send."""
        from tornado.httpclient import HTTPRequest

        prepared = self.session.prepare_request(requests.Request("GET", self.url + path))
        kept = {name: str(prepared.headers[name]) for name in _KEPT if name in prepared.headers}
        place = urlsplit(self.url)
        return HTTPRequest(
            self.url.replace("http", "ws", 1) + path,
            headers={**kept, "Origin": f"{place.scheme}://{place.netloc}"},
            ca_certs=_bundle(),
            connect_timeout=self.answers_within,
            request_timeout=self.answers_within,
        )

    def xsrf(self, path: str) -> str:
        """Return the guard of forms below a path, as a cookie brought it."""
        base = urlsplit(self.url).path
        mine = (c for c in self.session.cookies if c.name == "_xsrf" and c.path == base + path)
        value = next((cookie.value for cookie in mine), None)
        if not value:
            self.fail(
                f"the datalab set no _xsrf cookie for {base}{path}",
                hint="look at hub.publicUrl and hub.baseUrl: they must be what browsers see",
            )
        return value


_KEPT = ("Cookie", "Authorization")


def told(answer: requests.Response) -> str:
    """Return what a refusal says: its status, and the hub's own words where there are any."""
    try:
        message = answer.json().get("message")
    except (ValueError, AttributeError):
        message = None
    return f"{answer.status_code}: {message}" if message else str(answer.status_code)


def connect_instead(host: str, port: int, service: str) -> None:
    """Reach a public address through a service inside the cluster, with its own certificate.

    From now on this process connects to ``service`` (host:port) where it would to ``host``.
    """
    inner, _, inner_port = service.rpartition(":")
    resolve = socket.getaddrinfo

    def getaddrinfo(name: Any, number: Any, *others: Any, **named: Any) -> Any:
        if name == host and number in (port, str(port)):
            return resolve(inner, int(inner_port), *others, **named)
        return resolve(name, number, *others, **named)

    socket.getaddrinfo = getaddrinfo  # type: ignore[assignment]


def _bundle() -> str | None:
    return os.environ.get("SSL_CERT_FILE")


def _authorities() -> str | bool:
    return _bundle() or True


async def closed(connection: Any) -> None:
    """Close a websocket of tornado's and wait until it is: what the loop's end cuts off stays open.

    Tornado gives the other side five seconds to agree, and then cuts it off.
    """
    connection.close()
    while not connection.stream.closed():
        await connection.read_message()


def execute_request(code: str) -> dict[str, Any]:
    """Return the message that asks a kernel to run code, as its websocket takes it."""
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


async def _printed(connection: Any, msg_id: str) -> str:
    """Collect a request's output until the kernel is idle again."""
    texts: list[str] = []
    while True:
        raw = await connection.read_message()
        if raw is None:
            raise ServiceError(
                "the kernel's connection was closed", hint="look at the log of the user's pod"
            )
        message = json.loads(raw)
        if message["parent_header"].get("msg_id") != msg_id:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "stream" and content["name"] == "stdout":
            texts.append(content["text"])
        elif kind == "error":
            raise ServiceError(f"{content['ename']}: {content['evalue']}", hint=_cure(content))
        elif kind == "status" and content["execution_state"] == "idle":
            return "".join(texts).strip()


def _cure(content: dict[str, Any]) -> str:
    if content["ename"] == "ModuleNotFoundError":
        return "the users' image lacks geodes_datalab: build yours on the notebook image"
    return "run the same in a notebook of the datalab"

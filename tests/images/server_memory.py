"""Runs inside the image: a user's server, idle and with one notebook open as a browser opens it.

Prints what its processes take, as JSON. With the argument ``hub`` the server is one behind a hub, which is
there in name only. With ``browser`` it is asked what the Lab in Chromium asks when it opens, too.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

sys.path.insert(0, "/mnt")
from support.ports import free_ports
from support.waiting import Hopeless, eventually, minutes

LOG = Path("/tmp/log")
CODE = "import numpy as np\nimport xarray as xr\nxr.open_dataset(path).mean()\nnp.me"
CELL = {"cell_type": "code", "execution_count": None, "id": "a", "metadata": {}, "outputs": []}
NOTEBOOK = {
    "cells": [{**CELL, "source": CODE}],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}
PANEL = [f"/eodag/{name}?&1796057355944" for name in ("guess-collection", "providers", "info")]
"""What EODAG's panel asks when the Lab opens."""

BROWSER = [
    "/lab/api/settings", "/api/kernelspecs", "/api/me", "/api/kernels", "/api/terminals", "/api/sessions",
    "/lab/api/workspaces", "/lab/api/translations/default", "/api/metrics/v1", "/lab/api/build",
    "/api/config/jupyterlabapputilsextensionannouncements", "/lsp/status", "/lab/api/translations",
    "/spellchecker/language_manager", "/api/contents?content=1&hash=0", "/git/settings?version=0.55.0",
    "/server-proxy/servers-info", *PANEL, "/dask/clusters", "/jupyterlab_code_formatter/formatters",
    "/geodes-datalab/home?no_track_activity=1",
]  # fmt: skip
"""What the Lab asks of its server when it opens: as seen in Chromium, files left out."""

MARKED = "textDocument/publishDiagnostics"


TOKEN = {"Authorization": "token word"}


class Hub(BaseHTTPRequestHandler):
    """Says who bears a token, whoever it is."""

    def do_GET(self) -> None:
        """Answer with a user."""
        who = {"name": "ada", "kind": "user", "admin": False, "groups": [], "scopes": [SCOPE]}
        told = json.dumps({"version": version("jupyterhub"), **who}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", f"{len(told)}")
        self.end_headers()
        self.wfile.write(told)

    def do_POST(self) -> None:
        """Answer in the same way to what the server tells."""
        self.do_GET()

    def log_message(self, *words: object) -> None:
        """Say nothing."""


SCOPE = "access:servers!user=ada"


def hub_environment() -> dict[str, str]:
    """Start the hub, and return what it tells a server."""
    hub = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    Thread(target=hub.serve_forever, daemon=True).start()
    told = {
        "API_TOKEN": "word",
        "API_URL": f"http://127.0.0.1:{hub.server_port}/hub/api",
        "BASE_URL": "/",
        "CLIENT_ID": "jupyterhub-user-ada",
        "HOST": "",
        "OAUTH_ACCESS_SCOPES": json.dumps([SCOPE]),
        "OAUTH_CALLBACK_URL": "/user/ada/oauth_callback",
        "SERVER_NAME": "",
        "SERVICE_PREFIX": "/user/ada/",
        "SERVICE_URL": f"http://127.0.0.1:{free_ports(1)[0]}/user/ada/",
        "USER": "ada",
    }
    return {f"JUPYTERHUB_{name}": value for name, value in told.items()}


class Server:
    """The server, by its API."""

    def __init__(self, *, hub: bool = False) -> None:
        command, environment = ["datalab-start", "jupyterhub-singleuser"], dict(os.environ)
        if hub:
            environment |= hub_environment()
        else:
            command[1:] = ["jupyter", "lab", "--no-browser", "--IdentityProvider.token=word"]
            command.append(f"--port={free_ports(1)[0]}")  # it takes another one, if that is taken
        with LOG.open("w") as stream:
            self.process = subprocess.Popen(command, env=environment, stdout=stream, stderr=stream)
        self.url = ""

    def page(self) -> bytes | None:
        """Return the page of the Lab, once it is there."""
        if self.process.poll() is not None:
            raise Hopeless("it ended")
        found = re.search(r"(http://127\.0\.0\.1:\d+\S*)/lab", LOG.read_text())
        if not found:
            return None
        self.url = found[1]
        request = urllib.request.Request(f"{self.url}/lab", headers=TOKEN)
        page: bytes = urllib.request.urlopen(request, timeout=minutes(1)).read()
        return page

    def ask(self, path: str, data: object = None) -> Any:
        """Return what the API answers."""
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(self.url + path, body, TOKEN)
        return json.loads(urllib.request.urlopen(request, timeout=minutes(1)).read())

    async def socket(self, path: str) -> WebSocketClientConnection:
        """Return a connection."""
        address = f"{self.url.replace('http', 'ws', 1)}{path}"
        return await websocket_connect(HTTPRequest(address, headers=TOKEN))


def memory(pid: int) -> int:
    """Return the bytes of a process; what several share is shared out."""
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(row for row in rows if row.startswith("Pss:")).split()[1]) * 1024


def helpers(server: Server) -> list[psutil.Process]:
    """Return the processes that answer for extensions which are not loaded."""
    each = psutil.Process(server.process.pid).children(recursive=True)
    return [one for one in each if "geodes_datalab.server.late.answer" in one.cmdline()]


def visited(server: Server) -> None:
    """Ask what a browser asks, several things at a time, and wait until nobody answers any more."""
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(server.ask, BROWSER))
    eventually(lambda: not helpers(server), "the helpers have ended", within=2)


async def heard(
    socket: WebSocketClientConnection, wanted: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Return the first message that is wanted."""
    while True:
        text = await asyncio.wait_for(socket.read_message(), minutes(2))
        message: dict[str, Any] = json.loads(text or "{}")
        if wanted(message):
            return message


async def kernel(server: Server) -> WebSocketClientConnection:
    """Open a notebook with its kernel, and wait until that answers."""
    asked = {"path": "a.ipynb", "name": "a", "type": "notebook", "kernel": {"name": "python3"}}
    started = server.ask("/api/sessions", asked)["kernel"]["id"]
    socket = await server.socket(f"/api/kernels/{started}/channels")
    kind = {"msg_id": "1", "msg_type": "kernel_info_request", "version": "5.3"}
    head = {**kind, "username": "", "session": "s", "date": ""}
    rest = {"parent_header": {}, "metadata": {}, "content": {}, "channel": "shell"}
    await socket.write_message(json.dumps({"header": head, **rest}))
    await heard(socket, lambda message: message["header"]["msg_type"] == "kernel_info_reply")
    return socket


async def language(server: Server, name: str) -> tuple[WebSocketClientConnection, list[str]]:
    """Open the notebook's document with a language server; return the rules that it breaks."""
    socket = await server.socket(f"/lsp/ws/{name}")

    async def tell(method: str, params: dict[str, Any], **more: int) -> None:
        told = {"jsonrpc": "2.0", "method": method, "params": params, **more}
        await socket.write_message(json.dumps(told))

    root = Path.cwd().as_uri()
    able = {"textDocument": {"publishDiagnostics": {}}}
    await tell("initialize", {"processId": None, "rootUri": root, "capabilities": able}, id=1)
    await heard(socket, lambda message: message.get("id") == 1)
    await tell("initialized", {})
    uri = f"{root}/.virtual_documents/a.ipynb"
    document = {"uri": uri, "languageId": "python", "version": 1, "text": CODE}
    await tell("textDocument/didOpen", {"textDocument": document})
    told = await heard(socket, lambda message: message.get("method") == MARKED)
    return socket, [str(each.get("code")) for each in told["params"]["diagnostics"]]


async def opened(server: Server) -> dict[str, Any]:
    """Do what the browser does when a notebook is opened."""
    sockets, marks = [await kernel(server)], []
    sessions = server.ask("/lsp/status")["sessions"].items()
    names = [name for name, one in sessions if "python" in one["spec"]["languages"]]
    for name in names:
        socket, found = await language(server, name)
        sockets.append(socket)
        marks += found
    await asyncio.sleep(3)  # patience: what loads late counts too
    parent = psutil.Process(server.process.pid)
    rows = {one.pid: " ".join(one.cmdline()) for one in [parent, *parent.children(recursive=True)]}
    taken = {pid: memory(pid) for pid in rows}
    return {
        "servers": names,
        "marks": marks,
        "bytes": sum(taken.values()),
        "each": [f"{taken[pid] / 1e6:.0f} MB {line[:60]}" for pid, line in rows.items()],
    }


def main() -> None:
    """Start, look, open a notebook, look again."""
    way = sys.argv[1]
    server = Server(hub=way != "alone")
    waited = eventually(server.page, "the page of the Lab", within=5, scene=LOG.read_text)
    time.sleep(3)  # patience: what loads late counts too
    Path("a.ipynb").write_text(json.dumps(NOTEBOOK))
    lines = LOG.read_text().splitlines()  # later on, EODAG may write that it reaches no portal
    if way == "browser":
        visited(server)
    said: dict[str, Any] = {
        "seconds": waited.seconds,
        "lab": b"jupyter-config-data" in (waited.value or b""),
        "bytes": memory(server.process.pid),
        "notebook": asyncio.run(opened(server)),
    }
    loaded = [line for line in lines if "successfully loaded" in line]
    said["extensions"] = [line.split("|")[0].split()[-1] for line in loaded]
    said["slow"] = [line for line in lines if "took" in line][:10]
    said["trouble"] = [line for line in lines if line.startswith(("[E", "[C", "Traceback"))]
    server.process.terminate()
    server.process.wait(minutes(1))
    print(json.dumps(said))


if __name__ == "__main__":
    main()

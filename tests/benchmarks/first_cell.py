"""Run in an image: how long a server takes to its Lab page, and a kernel to the answer of its first cell."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path

from tornado.websocket import websocket_connect

sys.path.insert(0, "/mnt")
from support.ports import free_ports
from support.waiting import eventually, minutes

LOG = Path("/tmp/server.log")
HEADERS = {"Authorization": "token word", "Content-Type": "application/json"}


def main() -> None:
    begun = time.perf_counter()
    with LOG.open("w") as stream:
        server = subprocess.Popen(
            ["datalab-start", "jupyter", "lab", "--no-browser", "--IdentityProvider.token=word", f"--port={free_ports(1)[0]}"],
            stdout=stream, stderr=stream,
        )  # fmt: skip
    try:
        url = str(eventually(_lab, "the page of the Lab", within=5, scene=LOG.read_text).value)
        page = time.perf_counter()
        asyncio.run(_first_cell(url, _kernel(url)))
        cell = time.perf_counter()
    finally:
        server.terminate()
        server.wait(minutes(1))
    print(json.dumps({"page": page - begun, "cell": cell - page}))


def _lab() -> str | None:
    """Return the server's address once its page comes."""
    found = re.search(r"http://127\.0\.0\.1:\d+/", LOG.read_text())
    if found is None:
        return None
    urllib.request.urlopen(f"{found[0]}lab?token=word", timeout=minutes(1)).read()
    return found[0]


def _kernel(url: str) -> str:
    """Start a kernel; return its name."""
    request = urllib.request.Request(f"{url}api/kernels", data=b"{}", headers=HEADERS)
    with urllib.request.urlopen(request, timeout=minutes(1)) as answer:
        return str(json.load(answer)["id"])


async def _first_cell(url: str, kernel: str) -> None:
    """Run a line in a kernel, as the Lab does."""
    address = f"{url.replace('http', 'ws', 1)}api/kernels/{kernel}/channels?token=word"
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "session": "x", "username": "x", "version": "5.3"}  # fmt: skip
    message = {
        "header": header, "parent_header": {}, "metadata": {}, "channel": "shell",
        "content": {"code": "1 + 1", "silent": False},
    }  # fmt: skip
    async with asyncio.timeout(minutes(2)):
        channels = await websocket_connect(address)
        await channels.write_message(json.dumps(message))
        kind = ""
        while kind != "execute_reply":
            kind = json.loads(await channels.read_message() or "{}").get("msg_type", "")
        channels.close()


if __name__ == "__main__":
    main()

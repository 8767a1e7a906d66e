"""A process that answers questions to an extension by the extension's own code, for a server without it.

    python -m geodes_datalab.server.late.answer MODULE BASE

Each line of its input is a number and a path. Answers are lines of JSON, in any order, with the number of
their question. It ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import traceback
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from jupyter_server.auth import IdentityProvider, User
from tornado import httputil, web


class Asked(IdentityProvider):
    """Whoever asks has been let in by the server."""

    def get_user(self, handler: Any) -> User:
        """Return that there is somebody."""
        return User("asked")


class Kept(httputil.HTTPConnection):
    """Keeps an answer, in place of a connection to a browser."""

    def __init__(self) -> None:
        self.status, self.body = 0, b""
        self.whole: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def write_headers(
        self, start_line: Any, headers: httputil.HTTPHeaders, chunk: bytes | None = None
    ) -> asyncio.Future[None]:
        """Keep the status, and what comes with it."""
        self.status = start_line.code
        return self.write(chunk or b"")

    def write(self, chunk: bytes) -> asyncio.Future[None]:
        """Keep a piece."""
        self.body += chunk
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        written.set_result(None)
        return written

    def finish(self) -> None:
        """Tell that it is whole."""
        self.whole.set_result(None)

    def set_close_callback(self, callback: Any) -> None:
        """Nothing closes it."""


def application(module: str, base: str) -> web.Application:
    """Return a server's addresses, with those of an extension alone.

    Parameters
    ----------
    module
        The extension.
    base
        Beginning of the server's addresses.
    """
    made = web.Application(base_url=base, identity_provider=Asked(), allow_remote_access=True)
    server = SimpleNamespace(web_app=made, log=logging.getLogger(module))
    result = import_module(module)
    names = (
        "_load_jupyter_server_extension",
        "load_jupyter_server_extension",
    )  # as the server looks
    next(getattr(result, name) for name in names if hasattr(result, name))(server)
    return made


async def answer(made: web.Application, path: str) -> dict[str, Any]:
    """Return what the extension answers to a GET.

    Parameters
    ----------
    made
        Its addresses.
    path
        With the query.
    """
    kept = Kept()
    line = httputil.RequestStartLine("GET", path, "HTTP/1.1")
    headers = httputil.HTTPHeaders({"Host": "localhost"})
    request = httputil.HTTPServerRequest(start_line=line, headers=headers, connection=kept)
    made.find_handler(request).execute()
    await kept.whole
    return {"status": kept.status, "body": kept.body.decode()}


async def main(module: str, base: str) -> None:
    """Answer until nothing more is asked.

    Parameters
    ----------
    module
        The extension.
    base
        Beginning of the server's addresses.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    made, asked = application(module, base), set()

    async def tell(number: str, path: str) -> None:
        try:
            told = {"number": int(number), **await answer(made, path)}
        except Exception:  # noqa: BLE001  # whoever asked is told by the end of the process
            traceback.print_exc()
            os._exit(1)  # now, though its input is still read: the server loads the extension
        print(json.dumps(told), file=answers, flush=True)

    while line := await asyncio.to_thread(sys.stdin.readline):
        asked.add(asyncio.create_task(tell(*line.split())))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

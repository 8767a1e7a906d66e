"""Parts of files by a short way: what requests works out anew for each request is worked out once.

A cube takes hundreds of small parts, and requests some 2 ms of the processor for each: as much as their
pixels take. The connections, their TLS settings and their timeouts are those of the session. Only the
plain case goes this way, a direct connection and the part in return, or the begin of it; anything else is
no answer, and who asked asks again by `Client.stream`, which retries, follows and explains.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import NamedTuple

import requests
from requests.adapters import HTTPAdapter
from requests.utils import select_proxy
from urllib3 import HTTPConnectionPool, Timeout
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from geodes_datalab import auth
from geodes_datalab._http.failures import ANY
from geodes_datalab._http.replies import is_part, raw_body, version
from geodes_datalab._http.session import Session
from geodes_datalab.config import Config

PAUSE = 60.0
"""Seconds for which a server that gave no plain answer is asked in the careful way."""

_Origin = tuple[str, str, int]

_log = logging.getLogger(__name__)


class Part(NamedTuple):
    """A part of a file."""

    data: bytes
    """It, or the begin of it: some servers send less than they are asked for, some break off."""
    total: int | None
    """Bytes of the whole file, where told."""
    version: str | None
    """Of the file, where told; see `version`."""


class ShortWay:
    """Fetches parts over the connections of a session.

    Parameters
    ----------
    session
        Whose connections, headers and key are used.
    config
        Tells the timeout.
    """

    def __init__(self, session: Session, config: Config) -> None:
        self._session = session
        self._timeout = Timeout(config.timeout)
        self._pools: dict[_Origin, HTTPConnectionPool | None] = {}
        self._closed: dict[_Origin, float] = {}
        self._guard = threading.Lock()

    def fetch(self, url: str, begin: int, end: int) -> Part | None:
        """Return the bytes from ``begin``, at most up to ``end``; None where that is not plain."""
        origin = auth.origin(url)
        if time.monotonic() < self._closed.get(origin, 0.0):
            return None
        try:
            pool = self._pool(url, origin)
            if pool is None:
                return None
            result = self._ask(pool, url, begin, end)
        except ANY as error:
            _log.debug("%s: %s", origin[1], type(error).__name__)
            result = None
        if result is None:
            self._closed[origin] = time.monotonic() + PAUSE
        return result

    def _ask(self, pool: HTTPConnectionPool, url: str, begin: int, end: int) -> Part | None:
        headers = {
            "User-Agent": str(self._session.headers["User-Agent"]),
            "Accept-Encoding": "identity",
            "Range": f"bytes={begin}-{end - 1}",
            **self._session.key(url),
        }
        with pool.urlopen(
            "GET", parse_url(url).request_uri, headers=headers, timeout=self._timeout,
            retries=False, redirect=False, preload_content=False, decode_content=False,
        ) as response:  # fmt: skip
            _log.debug("GET %s -> %s", url.partition("?")[0], response.status)
            length, total = is_part(response.status, response.headers, begin, end)
            pieces: list[bytes] = []
            try:
                raw_body(response, length, pieces)
            except HTTPError:
                if not pieces:
                    raise
            if not pieces:
                return None
            data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            return Part(data, total, version(response.headers))

    def _pool(self, url: str, origin: _Origin) -> HTTPConnectionPool | None:
        """Return the session's connections to a server; None where a proxy stands between."""
        with self._guard:
            if origin not in self._pools:
                self._pools[origin] = self._found(url)
            return self._pools[origin]

    def _found(self, url: str) -> HTTPConnectionPool | None:
        chosen = self._session.merge_environment_settings(url, {}, True, None, None)
        if select_proxy(url, chosen["proxies"]):
            return None
        adapter = self._session.get_adapter(url)
        if not isinstance(adapter, HTTPAdapter):
            return None
        request = requests.Request("GET", url).prepare()
        pool = adapter.get_connection_with_tls_context(
            request, chosen["verify"], {}, chosen["cert"]
        )
        return pool if isinstance(pool, HTTPConnectionPool) else None

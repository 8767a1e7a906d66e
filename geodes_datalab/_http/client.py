"""The client: JSON in and out, streams of bytes, parallel maps."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import requests

from geodes_datalab import auth
from geodes_datalab._http.ahead import ahead
from geodes_datalab._http.failures import reading, translated
from geodes_datalab._http.parts import Part, ShortWay
from geodes_datalab._http.replies import content, json_object, refuse_failure, refuse_message
from geodes_datalab._http.session import Session, pause
from geodes_datalab._types import Json
from geodes_datalab.config import Config, load
from geodes_datalab.errors import BrokeOff, RequestError, ServiceError

_log = logging.getLogger(__name__)

MOST_PAGES = 8
"""Calls of `Client.map` at a time, at most: each costs the catalogue a search."""

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Probe:
    """What a server says of a file before it is read."""

    size: int | None
    """Bytes, where told."""
    ranges: bool
    """Whether a part of the file can be asked for."""
    etag: str | None
    """Version of the file, where told."""


class Client:
    """A session with the catalogue, its downloads and its services.

    Parameters
    ----------
    config
        Settings; `geodes_datalab.config.load` where not given.
    api_key
        Found by `geodes_datalab.auth.find` where not given, at each request.

    Examples
    --------
    >>> with Client(load(portal="https://geodes.example")) as client:
    ...     client.config.stac_url
    'https://geodes.example/api/stac'
    """

    def __init__(self, config: Config | None = None, api_key: auth.ApiKey | None = None) -> None:
        self.config = config or load()
        self.session = Session(self.config, api_key)
        self._short_way = ShortWay(self.session, self.config)

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close its connections."""
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self.session.close()

    def get_json(
        self, url: str, params: Mapping[str, Any] | None = None, *, most: int | None = None
    ) -> Json:
        """Get a JSON object, of so many bytes at most.

        Raises
        ------
        AuthenticationError, QuotaError, RequestError, ServiceError
        """
        return self._whole(lambda response: json_object(response, most), "GET", url, params=params)

    def get_content(self, url: str, *, accept: str, most: int) -> bytes:
        """Get a document of another kind, of so many bytes at most.

        Raises
        ------
        AuthenticationError, QuotaError, RequestError, ServiceError
        """
        headers = {"Accept": accept}
        return self._whole(lambda response: content(response, most), "GET", url, headers=headers)

    def post_json(self, url: str, body: Json) -> Json:
        """Post a JSON object, and get one.

        Only for requests that may be sent twice (searches, look-ups), since failures are retried.

        Raises
        ------
        AuthenticationError, QuotaError, RequestError, ServiceError
        """
        return self._whole(json_object, "POST", url, json=body)

    @contextmanager
    def stream(
        self, url: str, headers: Mapping[str, str] | None = None, *, json: bool = False
    ) -> Iterator[requests.Response]:
        """Open a file for reading; its body is not decompressed and not yet read.

        Failures while the body is read are raised as `BrokeOff`. A JSON message in place of
        a file (so the portal tells an exhausted quota) is raised as what it says, unless ``json``
        says that the file itself is JSON.
        """
        wanted = {"Accept-Encoding": "identity", **(headers or {})}
        with self._send("GET", url, headers=wanted, stream=True) as response:
            if not json:
                refuse_message(response, self.config)
            with reading(url):
                yield response

    def part(self, url: str, begin: int, end: int) -> Part | None:
        """Fetch a part of a file where that is plain; see `ShortWay`. It is not retried.

        Returns
        -------
        Part or None
            The bytes from ``begin`` up to, and without, ``end``, or the first of them; None where there
            is a proxy, or an answer of any other kind: then ask by `stream`.
        """
        return self._short_way.fetch(url, begin, end)

    def probe(self, url: str) -> Probe:
        """Ask for one byte of a file, to learn its size and whether ranges work.

        Some servers break on ranges (HTTP 500, or 416 for any): then the file is asked for as a whole, and left unread.
        What answers that is a server without ranges; what fails again is down.

        Raises
        ------
        AuthenticationError, QuotaError, RequestError, ServiceError
            The server refused, or is down: nothing is known of the file.
        """
        try:
            with self.stream(url, {"Range": "bytes=0-0"}) as response:
                return _probed(response)
        except (ServiceError, RequestError) as error:
            if error.status is None or (error.status < 500 and error.status != 416):
                raise
        with self.stream(url) as response:
            return _probed(response)

    def map(self, function: Callable[[T], R], values: Iterable[T]) -> Iterator[R]:
        """Call a function on each value, up to ``config.max_requests`` at a time, in order.

        At most `MOST_PAGES` at a time, however many are allowed, and not far ahead of the reader; see
        `ahead`. The first failure cancels what has not begun; so does Ctrl-C.
        """
        return ahead(function, values, max(1, min(MOST_PAGES, self.config.max_requests)))

    def _whole(
        self, read: Callable[[requests.Response], T], method: str, url: str, **options: Any
    ) -> T:
        """Send and read; an answer that breaks off is a failure like those before it."""
        for attempt in range(self.config.retries):
            with suppress(BrokeOff), self._send(method, url, stream=True, **options) as response:
                return read(response)
            time.sleep(pause(self.config, attempt))
        with self._send(method, url, stream=True, **options) as response:
            return read(response)

    @contextmanager
    def _send(self, method: str, url: str, **options: Any) -> Iterator[requests.Response]:
        with translated(url, key_sent=self.session.sends_key(url)):
            response = self.session.request(method, url, **options)
        with response:
            _log.debug("%s %s -> %s", method, url.partition("?")[0], response.status_code)
            refuse_failure(response, self.config)
            yield response


def _probed(response: requests.Response) -> Probe:
    total = response.headers.get("Content-Range", "").rpartition("/")[2]
    size = total if response.status_code == 206 else response.headers.get("Content-Length", "")
    return Probe(
        int(size) if size.isdigit() else None,
        response.status_code == 206,
        response.headers.get("ETag"),
    )

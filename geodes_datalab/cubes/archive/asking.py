"""One request for a part of a file: how much of it came, and of which version of the file it is.

Nothing is believed that does not say to be the bytes that were asked for. Who asked compares the versions,
and asks for what is missing.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import requests

from geodes_datalab import _http, auth
from geodes_datalab.cubes.archive.trouble import NoRanges
from geodes_datalab.errors import (
    AuthenticationError,
    RemoteError,
    RequestError,
    ServiceError,
)

FRESH = 600.0
"""Seconds for which the address that a file was handed over to is remembered."""

_final: dict[str, tuple[float, str]] = {}


class Answer(NamedTuple):
    """What a server sent of a part of a file."""

    data: bytes
    """From the begin of the part on, as far as it came."""
    total: int | None = None
    """Bytes of the whole file, where told."""
    version: str | None = None
    """Of the file, where told."""
    trouble: ServiceError | None = None
    """Why no more came, where that is known."""


def ask(client: _http.Client, url: str, begin: int, end: int) -> Answer:
    """Ask the server that serves the file in the end; should it refuse, ask where it is now.

    Raises
    ------
    NoRanges
        It sent the whole file, or something of which nobody knows the place.
    AuthenticationError, QuotaError, RequestError, ServiceError
        The server refused or failed before anything came.
    """
    final = _final.get(url, (0.0, ""))
    if final[1] and time.monotonic() - final[0] < FRESH:
        try:
            return _ask(client, url, final[1], begin, end)
        except (AuthenticationError, RequestError):
            _final.pop(url, None)
        except ServiceError:
            _final.pop(url, None)  # next time, it may be served elsewhere
            raise
    return _ask(client, url, url, begin, end)


def _ask(client: _http.Client, url: str, address: str, begin: int, end: int) -> Answer:
    plain = client.part(address, begin, end)
    if plain is not None:
        return Answer(plain.data, plain.total, plain.version)
    pieces: list[bytes] = []
    answer: Answer | None = None
    try:
        with client.stream(address, {"Range": f"bytes={begin}-{end - 1}"}) as response:
            length, total = _http.is_part(response.status_code, response.headers, begin, end)
            if not length:
                return Answer(b"", trouble=_misplaced(response, begin, end))
            answer = Answer(b"", total, _http.version(response.headers))
            if auth.origin(response.url) != auth.origin(url):
                _final[url] = (time.monotonic(), response.url)
            _http.body(response, length, pieces)
    except ServiceError as error:
        if answer is None:
            raise
        answer = answer._replace(trouble=error)
    return answer._replace(data=pieces[0] if len(pieces) == 1 else b"".join(pieces))


def _misplaced(response: requests.Response, begin: int, end: int) -> ServiceError:
    """Return what is wrong with the place that an answer says to be of."""
    told = _http.content_range(response.headers)
    packed = response.headers.get("Content-Encoding", "identity") != "identity"
    if response.status_code != 206 or told is None or packed:
        raise NoRanges
    return ServiceError(
        f"{auth.origin(response.url)[1]} sent other bytes than it was asked for: {told[0]} to {told[1]} by "
        f"its Content-Range, not {begin} to {end}",
        "try again; if it stays so, download the product with geodes_datalab.download()",
    )


def ask_again(
    client: _http.Client, url: str, begin: int, end: int, *, error: RemoteError
) -> Answer:  # fmt: skip
    """Ask a server that failed once more, if it sends parts at all; else say which of the two it is.

    Parameters
    ----------
    client, url, begin, end
        As in `ask`.
    error
        How it failed when it was asked for the part.

    Raises
    ------
    NoRanges
        It sends the whole file, and no part of it.
    RemoteError
        It does not send the file at all.
    """
    try:
        result = client.probe(url)
    except RemoteError:
        raise error from None
    if not result.ranges:
        raise NoRanges from error
    return ask(client, url, begin, end)

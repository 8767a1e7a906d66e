"""What replies and failures mean, said in this package's errors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import requests
from urllib3 import BaseHTTPResponse

from geodes_datalab import auth
from geodes_datalab._http.failures import host, reading, unauthorised
from geodes_datalab._types import Json
from geodes_datalab.config import Config
from geodes_datalab.errors import (
    AuthenticationError,
    BrokeOff,
    QuotaError,
    RateLimited,
    RequestError,
    ServiceError,
)

_ELSEWHERE = (
    "the key of GEODES is for its portal only: see which access that server wants (an address that its "
    "catalogue signs, an account), or download the file by its means, and pass that folder as archives="
)
_QUOTA = "wait for the next hour and run the same line again: what is complete is kept"

_RANGE = re.compile(r"bytes[ =](\d+)-(\d+)/(\d+|\*)")

PIECE = 1 << 20
"""Bytes per read. Requests takes 10 kB: with many pages in flight, each piece waits for the GIL."""

STEP = 1 << 20
"""Bytes per read of a part: what came of it before it broke off is kept by such steps."""


def refuse_failure(response: requests.Response, config: Config) -> None:
    """Raise what a status means; the key and its quota are the matter of the portal's host only."""
    status = response.status_code
    if status < 400:
        return
    said = _message(response)
    where = f"{host(response.url)} answered {status}"
    text = f"{where}: {said}" if said else where
    ours = _is_of(response, config)
    if status in (403, 429) and ours and _tells_quota(said):
        raise _used_up(text, status)
    if status == 429:
        raise _rate_limited(text, response, config)
    if status in (401, 403) and not ours:
        kind = AuthenticationError if status == 401 else RequestError
        raise kind(f"no access: {text}", _ELSEWHERE, status=status)
    if status in (401, 403):
        raise unauthorised(text, key_sent=key_sent(response), status=status)
    if status < 500:
        raise RequestError(
            text, "check the arguments of the call against the message", status=status
        )
    raise ServiceError(
        text,
        "try again in a few minutes; geodes_datalab.status() tells how it is",
        status=status,
    )


def refuse_message(response: requests.Response, config: Config) -> None:
    """Raise what a JSON body says where a file should be."""
    if "json" not in response.headers.get("Content-Type", ""):
        return
    said = _message(response)
    if _tells_quota(said) and _is_of(response, config):
        raise _used_up(said, response.status_code)
    raise RequestError(
        f"{host(response.url)} sent a message instead of the file: {said}",
        "read the message",
        status=response.status_code,
    )


def _is_of(response: requests.Response, config: Config) -> bool:
    """Tell whether the portal itself answers."""
    return auth.origin(response.url) == auth.origin(config.portal)


def _tells_quota(said: str) -> bool:
    return "quota" in said.lower()


def _used_up(text: str, status: int) -> QuotaError:
    return QuotaError(
        f"the download quota of this account is used up ({text})", _QUOTA, status=status
    )


def _rate_limited(text: str, response: requests.Response, config: Config) -> RateLimited:
    told = response.headers.get("Retry-After", "")
    pause = f"wait {told} seconds" if told.isdigit() else "wait a minute"
    return RateLimited(
        f"too many requests at a time: {text}",
        f"{pause} and run the same line again, or set GEODES_MAX_REQUESTS lower: it is {config.max_requests}",
        status=response.status_code,
    )


def content(response: requests.Response, most: int | None = None) -> bytes:
    """Read a body to its end, unpacked.

    Raises
    ------
    BrokeOff
        It ended before it was whole.
    ServiceError
        It has more bytes than are allowed.
    """
    read, length = [], 0
    with reading(response.url):
        for piece in response.iter_content(PIECE):
            read.append(piece)
            length += len(piece)
            if most is not None and length > most:
                raise ServiceError(
                    f"{host(response.url)} sent an answer of more than {most // 2**20} MB",
                    "ask for less: fewer items per page, or a smaller area or time",
                    status=response.status_code,
                )
    return b"".join(read)


def json_object(response: requests.Response, most: int | None = None) -> Json:
    """Read a JSON object.

    Raises
    ------
    BrokeOff
        It ended before it was whole.
    ServiceError
        It is something else, or has more bytes than are allowed.
    """
    read = content(response, most)
    try:
        value = json.loads(read)
    except (ValueError, RecursionError) as error:
        if read.lstrip()[:1] == b"{" and read.rstrip()[-1:] != b"}":
            raise BrokeOff(
                f"{host(response.url)} sent the beginning of an answer only",
                "try again; geodes_datalab.status() tells how it is",
            ) from error
        raise ServiceError(
            f"{host(response.url)} answered with something that is not JSON",
            "often a proxy's or a login page: open the address in a browser",
            status=response.status_code,
        ) from error
    if not isinstance(value, dict):
        raise ServiceError(
            f"{host(response.url)} answered with JSON of an unexpected kind",
            "check GEODES_STAC_URL",
        )
    return value


def body(response: requests.Response, length: int, into: list[bytes] | None = None) -> bytes:
    """Read a body as it comes, not decompressed, and never more of it than a length.

    It takes a third of the processor's time of ``iter_content``, which copies each piece several times.
    What came before it broke off is in ``into``.
    """
    with reading(response.url):
        return raw_body(response.raw, length, into)


def raw_body(raw: BaseHTTPResponse, length: int, into: list[bytes] | None = None) -> bytes:
    """Read a body as `body` does; failures are urllib3's."""
    pieces = [] if into is None else into
    missing = length
    # in steps: of one that breaks off, nothing comes
    while missing and (piece := raw.read(min(missing, STEP), decode_content=False)):
        pieces.append(piece)
        missing -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def is_part(
    status: int, headers: Mapping[str, str], begin: int, end: int
) -> tuple[int, int | None]:  # fmt: skip
    """Tell how much of a part of a file an answer holds, from its begin on, as it is.

    Returns
    -------
    tuple
        Bytes, 0 where the answer is no such part: a server may send less than it was asked for. And the
        size of the file, where told.
    """
    told = content_range(headers)
    packed = headers.get("Content-Encoding", "identity") != "identity"
    if status != 206 or packed or told is None:
        return 0, None
    first, last, size = told
    if first != begin or last <= begin or (size is not None and last > size):
        return 0, None
    return min(end, last) - begin, size


def version(headers: Mapping[str, str]) -> str | None:
    """Return what tells one version of a file from another; None where the server tells nothing.

    A strong ``ETag`` is of these very bytes. One that is weak may stay when a few of them change: the time
    of the last change is taken with it, as it is where there is no other.
    """
    tag, date = headers.get("ETag"), headers.get("Last-Modified")
    if tag is not None and not tag.startswith("W/"):
        return tag
    return " ".join(item for item in (tag, date) if item) or None


def content_range(headers: Mapping[str, str]) -> tuple[int, int, int | None] | None:
    """Tell which part of a file an answer says to be; see `Content-Range` in RFC 9110.

    Parameters
    ----------
    headers
        Of the answer, by name in any case.

    Returns
    -------
    tuple or None
        Its begin, its end (the first byte that it lacks), and the size of the whole file where told;
        None where it says nothing that can be read.
    """
    told = _RANGE.fullmatch(headers.get("Content-Range", ""))
    if told is None:
        return None
    return int(told[1]), int(told[2]) + 1, None if told[3] == "*" else int(told[3])


def _message(response: requests.Response) -> str:
    """Return the server's own words, shortened to a line."""
    try:
        read = getattr(response, "_content_consumed", False)
        raw = response.content if read else response.raw.read(10_000, decode_content=True)
    except Exception:  # noqa: BLE001 - the message is a courtesy: whatever breaks here, the status stands
        return ""
    text = raw[:10_000].decode("utf-8", "replace")
    if "json" in response.headers.get("Content-Type", ""):
        text = _from_json(text)
    return " ".join(text.split())[:300] if "<html" not in text.lower() else ""


def _from_json(text: str) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if not isinstance(value, dict):
        return text
    words = [
        str(value[name])
        for name in ("message", "detail", "description", "cause")
        if value.get(name)
    ]
    return "; ".join(words) or text


def key_sent(response: requests.Response) -> bool:
    return auth.HEADER in response.request.headers

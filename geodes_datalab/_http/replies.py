"""What replies and failures mean, said in this package's errors."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import requests
import urllib3.exceptions
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import ReadTimeoutError

from geodes_datalab import auth
from geodes_datalab._types import Json
from geodes_datalab.errors import (
    AuthenticationError,
    GeodesError,
    QuotaError,
    RequestError,
    ServiceError,
)

_LOGIN = "make a key on your profile page in the portal, then call geodes_datalab.login()"
_ELSEWHERE = (
    "the key of GEODES is for its portal only: see which access that server wants (an address that its "
    "catalogue signs, an account), or download the file by its means, and pass that folder as archives="
)
_QUOTA = "wait for the next hour and run the same line again: what is complete is kept"

_log = logging.getLogger(__name__)

_RANGE = re.compile(r"bytes[ =](\d+)-(\d+)/(\d+|\*)")

_PROXY_SAID = re.compile(r"Tunnel connection failed: (\d{3}[^'\")]*)")

PIECE = 1 << 20
"""Bytes per read. Requests takes 10 kB: with many pages in flight, each piece waits for the GIL."""

STEP = 1 << 18
"""Bytes per read of a part: what came of it before it broke off is kept by such steps."""


def refuse_failure(response: requests.Response, portal: str) -> None:
    """Raise what a status means; the key and its quota are the matter of the portal's host only."""
    status = response.status_code
    if status < 400:
        return
    said = _message(response)
    where = f"{_host(response.url)} answered {status}"
    text = f"{where}: {said}" if said else where
    if status == 429 or (status == 403 and "quota" in said.lower()):
        raise QuotaError(
            f"the download quota of this account is used up ({text})",
            _QUOTA,
            status=status,
        )
    if status in (401, 403) and auth.origin(response.url) != auth.origin(portal):
        kind = AuthenticationError if status == 401 else RequestError
        raise kind(f"no access: {text}", _ELSEWHERE, status=status)
    if status in (401, 403):
        raise _unauthorised(text, key_sent=key_sent(response), status=status)
    if status < 500:
        raise RequestError(
            text, "check the arguments of the call against the message", status=status
        )
    raise ServiceError(
        text,
        "try again in a few minutes; geodes_datalab.status() tells how it is",
        status=status,
    )


def refuse_message(response: requests.Response) -> None:
    """Raise what a JSON body says where a file should be."""
    if "json" not in response.headers.get("Content-Type", ""):
        return
    said = _message(response)
    if "quota" in said.lower():
        raise QuotaError(
            f"the download quota of this account is used up ({said})",
            _QUOTA,
            status=response.status_code,
        )
    raise RequestError(
        f"{_host(response.url)} sent a message instead of the file: {said}",
        "read the message",
        status=response.status_code,
    )


def _unauthorised(text: str, *, key_sent: bool, status: int | None) -> AuthenticationError:
    if key_sent:
        return AuthenticationError(
            f"the API key was refused ({text})",
            f"the key is wrong or expired: {_LOGIN}",
            status=status,
        )
    return AuthenticationError(f"this needs an API key ({text})", _LOGIN, status=status)


@contextmanager
def translated(url: str, *, key_sent: bool) -> Iterator[None]:
    """Turn requests' exceptions into ours.

    Theirs are not chained: their frames hold the request's headers, and with them the key, which
    verbose tracebacks would print.
    """
    try:
        yield
    except requests.RequestException as error:
        _log.debug("%s: %s", _host(url), type(error).__name__)
        raise _translate(error, _host(url), key_sent=key_sent) from None


def _translate(error: requests.RequestException, host: str, *, key_sent: bool) -> GeodesError:
    if isinstance(error, requests.TooManyRedirects):
        text = f"{host} redirects in a loop"
        if key_sent:
            return _unauthorised(f"{text}, as it does for a wrong key", key_sent=True, status=None)
        return ServiceError(text, "check the address with geodes_datalab.status()")
    if trouble := _of_server(error, host) or _of_proxy(error, host):
        return trouble
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
        return RequestError(
            f"the address is not one that can be fetched: {host}", "check GEODES_PORTAL"
        )
    hint = "check the network and the proxy settings (geodes-datalab doctor shows both), then try again"
    return ServiceError(f"{host} cannot be reached, or broke off ({type(error).__name__})", hint)


def _of_server(error: requests.RequestException, host: str) -> ServiceError | None:
    """Return what the server itself has done or not done."""
    if isinstance(error, requests.exceptions.SSLError):
        hint = (
            "set GEODES_CA_BUNDLE to your site's certificate authorities, or ask its administrator"
        )
        return ServiceError(f"the certificate of {host} could not be verified", hint)
    if isinstance(error, requests.Timeout) or _timed_out(error):
        return ServiceError(
            f"{host} did not answer in time", "try again, or raise GEODES_TIMEOUT (seconds)"
        )
    return None


def _of_proxy(error: requests.RequestException, host: str) -> ServiceError | None:
    """Return what a web proxy on the way has done, where it is at fault."""
    if isinstance(error, requests.exceptions.ProxyError | requests.exceptions.InvalidProxyURL):
        said = _PROXY_SAID.search(str(error))
        why = f"it answered {said[1]}" if said else "it does not answer, or its address is none"
        hint = (
            "correct HTTPS_PROXY and HTTP_PROXY (http://name:password@host:port), or exempt the address "
            "by NO_PROXY; geodes-datalab doctor shows them"
        )
        return ServiceError(f"{host} cannot be reached through the web proxy: {why}", hint)
    if isinstance(error, requests.exceptions.InvalidSchema) and "SOCKS" in str(error):
        hint = "install pysocks, or name an HTTP proxy in HTTPS_PROXY"
        return ServiceError(f"{host} cannot be reached through a SOCKS proxy from here", hint)
    return None


def _timed_out(error: requests.RequestException) -> bool:
    """Tell whether the last of several tries ended in silence; requests calls it ConnectionError."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, ReadTimeoutError)


def json_object(response: requests.Response) -> Json:
    with translated(response.url, key_sent=key_sent(response)):
        body = b"".join(response.iter_content(PIECE))
    try:
        value = json.loads(body)
    except ValueError as error:
        raise ServiceError(
            f"{_host(response.url)} answered with something that is not JSON",
            "often a proxy's or a login page: open the address in a browser",
            status=response.status_code,
        ) from error
    if not isinstance(value, dict):
        raise ServiceError(
            f"{_host(response.url)} answered with JSON of an unexpected kind",
            "check GEODES_STAC_URL",
        )
    return value


def body(response: requests.Response, length: int, into: list[bytes] | None = None) -> bytes:
    """Read a body as it comes, not decompressed, and never more of it than a length.

    It takes a third of the processor's time of ``iter_content``, which copies each piece several times.
    What came before it broke off is in ``into``.
    """
    try:
        return raw_body(response.raw, length, into)
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.Timeout(error) from error
    except urllib3.exceptions.SSLError as error:
        raise requests.exceptions.SSLError(error) from error
    except urllib3.exceptions.HTTPError as error:
        raise requests.exceptions.ChunkedEncodingError(error) from error


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
    return " ".join(one for one in (tag, date) if one) or None


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


def _host(url: str) -> str:
    return auth.origin(url)[1] or url

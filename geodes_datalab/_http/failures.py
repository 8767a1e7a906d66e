"""What failures of the network mean: those of requests, urllib3 and the system, as this package's errors.

Theirs are never chained: their frames hold the request's headers, and with them the key, which verbose
tracebacks would print.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException

import requests
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError, SSLError

from geodes_datalab import auth
from geodes_datalab.errors import (
    AuthenticationError,
    BrokeOff,
    GeodesError,
    RequestError,
    ServiceError,
)

LOGIN = "make a key on your profile page in the portal, then call geodes_datalab.login()"

_NETWORK = (
    "check the network and the proxy settings (geodes-datalab doctor shows both), then try again"
)

FOREIGN = (requests.RequestException, HTTPError, HTTPException)
"""What requests and the packages below it raise, and no other code does."""

ANY = (*FOREIGN, OSError, ValueError)
"""What asking can raise: the system's errors too, and those of addresses that cannot be taken apart."""

_UNPACKING = (requests.exceptions.ContentDecodingError, DecodeError)

_PROXY_SAID = re.compile(r"Tunnel connection failed: (\d{3}[^'\")]*)")

_log = logging.getLogger(__name__)


@contextmanager
def translated(url: str, *, key_sent: bool) -> Iterator[None]:
    """Turn what goes wrong before there is an answer into our errors; nothing else belongs in there."""
    try:
        yield
    except GeodesError:
        raise
    except ANY as error:
        _log.debug("%s: %s", host(url), type(error).__name__)
        raise _translate(error, host(url), key_sent=key_sent) from None


@contextmanager
def reading(url: str) -> Iterator[None]:
    """Turn what goes wrong while an answer's body is read into `BrokeOff`.

    What whoever reads does with the bytes belongs in there too: its errors pass.
    """
    try:
        yield
    except FOREIGN as error:
        _log.debug("%s: %s", host(url), type(error).__name__)
        raise _broke_off(error, host(url)) from None


def unauthorised(text: str, *, key_sent: bool, status: int | None) -> AuthenticationError:
    """Return the error for a key that is refused, or that is missing."""
    if key_sent:
        return AuthenticationError(
            f"the API key was refused ({text})",
            f"the key is wrong or expired: {LOGIN}",
            status=status,
        )
    return AuthenticationError(f"this needs an API key ({text})", LOGIN, status=status)


def host(url: str) -> str:
    """Return whom an address asks."""
    return auth.origin(url)[1] or url


def _broke_off(error: Exception, server: str) -> BrokeOff:
    if _timed_out(error):
        return BrokeOff(
            f"{server} did not go on with its answer in time",
            "try again, or raise GEODES_TIMEOUT (seconds)",
        )
    if isinstance(error, _UNPACKING):
        return BrokeOff(
            f"{server} sent an answer that cannot be unpacked: it is damaged",
            "try again; if it stays so, look for a proxy on the way (geodes-datalab doctor)",
        )
    return BrokeOff(
        f"{server} broke off in the middle of an answer ({type(error).__name__})", _NETWORK
    )


def _translate(error: Exception, server: str, *, key_sent: bool) -> GeodesError:
    if isinstance(error, requests.TooManyRedirects):
        text = f"{server} redirects in a loop"
        if key_sent:
            return unauthorised(f"{text}, as it does for a wrong key", key_sent=True, status=None)
        return ServiceError(text, "check the address with geodes_datalab.status()")
    if trouble := _of_server(error, server) or _of_proxy(error, server):
        return trouble
    if isinstance(error, ValueError):  # InvalidURL and MissingSchema are that too
        return RequestError(
            f"the address, or one that it leads to, is not one that can be fetched: {server}",
            "check GEODES_PORTAL",
        )
    return ServiceError(
        f"{server} cannot be reached, or broke off ({type(error).__name__})", _NETWORK
    )


def _of_server(error: Exception, server: str) -> ServiceError | None:
    """Return what the server itself has done or not done."""
    if isinstance(error, requests.exceptions.SSLError | SSLError):
        hint = (
            "set GEODES_CA_BUNDLE to your site's certificate authorities, or ask its administrator"
        )
        return ServiceError(f"the certificate of {server} could not be verified", hint)
    if isinstance(error, requests.Timeout) or _timed_out(error):
        return ServiceError(
            f"{server} did not answer in time", "try again, or raise GEODES_TIMEOUT (seconds)"
        )
    return None


def _of_proxy(error: Exception, server: str) -> ServiceError | None:
    """Return what a web proxy on the way has done, where it is at fault."""
    if isinstance(error, requests.exceptions.ProxyError | requests.exceptions.InvalidProxyURL):
        said = _PROXY_SAID.search(str(error))
        why = f"it answered {said[1]}" if said else "it does not answer, or its address is none"
        hint = (
            "correct HTTPS_PROXY and HTTP_PROXY (http://name:password@host:port), or exempt the address "
            "by NO_PROXY; geodes-datalab doctor shows them"
        )
        return ServiceError(f"{server} cannot be reached through the web proxy: {why}", hint)
    if isinstance(error, requests.exceptions.InvalidSchema) and "SOCKS" in str(error):
        hint = "install pysocks, or name an HTTP proxy in HTTPS_PROXY"
        return ServiceError(f"{server} cannot be reached through a SOCKS proxy from here", hint)
    return None


def _timed_out(error: Exception) -> bool:
    """Tell whether it ended in silence, maybe for the last of several tries; requests says ConnectionError."""
    cause = error.args[0] if error.args else None
    told = (error, cause, getattr(cause, "reason", None))
    return any(isinstance(item, ReadTimeoutError | TimeoutError) for item in told)

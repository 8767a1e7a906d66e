"""The web proxies that the environment names, for programs whose own libraries read it wrongly or not at all.

``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY``, and ``NO_PROXY`` with its names, domains and ranges, as the
library `requests` reads them; and, what that does not take, other ways in which people write them.
"""

from __future__ import annotations

import logging
import os
import re
from urllib.parse import quote, unquote_to_bytes, urlsplit
from urllib.request import getproxies

_ADDRESS = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*)://)?(?:(.*)@)?([^/?#]*)", re.DOTALL)
"""Scheme, name with password, and place: a password may hold whatever people did not write as ``%2F``."""

_SAFE = "%:!$&'()*+,;="
"""What stands in names and passwords of addresses as it is."""


def named() -> bool:
    """Tell whether the environment names a proxy at all."""
    return bool(set(getproxies()) & {"http", "https", "all"})


def proxy_for(address: str) -> str | None:
    """Return the proxy through which an address is asked; None: there is none on the way.

    Parameters
    ----------
    address
        A URL.
    """
    from requests.utils import select_proxy

    result = None if is_exempt(address) else select_proxy(address, getproxies())
    if not result or not result.strip():
        return None
    proxy = well_formed(result)
    if urlsplit(proxy).scheme in ("http", "https"):
        return proxy
    logging.getLogger(__name__).warning(
        "%s is asked directly: %s is no HTTP proxy", address, shown(proxy)
    )
    return None


def exempt() -> list[str]:
    """Return what ``no_proxy``, else ``NO_PROXY``, exempts, as all programs read it.

    Names may be parted by spaces, domains begin with ``*.``, and addresses stand in brackets.
    """
    told = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    names = filter(None, re.split(r"[,\s]+", told))
    return [re.sub(r"^\*(?=.)|^\[|\]$", "", name) for name in names]


def is_exempt(address: str) -> bool:
    """Tell whether ``NO_PROXY`` exempts an address from the proxies.

    Parameters
    ----------
    address
        A URL.
    """
    from requests.utils import should_bypass_proxies

    return should_bypass_proxies(address, no_proxy=",".join(exempt()) or None)


def well_formed(proxy: str) -> str:
    """Return the address of a proxy as every program reads it.

    Parameters
    ----------
    proxy
        As people write it: without ``http://``, with a password whose ``/`` or ``#`` is written out.

    Examples
    --------
    >>> well_formed("ada:s/cr#t@proxy.example.org:3128")
    'http://ada:s%2Fcr%23t@proxy.example.org:3128'
    """
    scheme, who, place = _parts(proxy)
    return f"{scheme}://{quote(who, safe=_SAFE)}@{place}" if who else f"{scheme}://{place}"


def credentials(proxy: str) -> bytes:
    """Return ``name:password`` of a proxy's address, the very bytes that it says; empty: it has none."""
    _, who, _ = _parts(proxy)
    return unquote_to_bytes(who)


def shown(proxy: str) -> str:
    """Return the address of a proxy without the name and password in it.

    Examples
    --------
    >>> shown("http://ada:secret@proxy.example.org:3128/")
    'http://proxy.example.org:3128'
    """
    scheme, _, place = _parts(proxy)
    return f"{scheme}://{place}"


def _parts(proxy: str) -> tuple[str, str, str]:
    result = _ADDRESS.match(proxy.strip())
    scheme, who, place = result.groups() if result else (None, None, proxy)
    return (scheme or "http").lower(), who or "", place


def trouble(proxy: str, seconds: float = 5.0) -> str | None:
    """Return why nobody can get out through a proxy, if nothing answers at its address.

    Parameters
    ----------
    proxy
        Its address.
    seconds
        How long it may take to answer.
    """
    import socket

    address = shown(proxy)
    parts = urlsplit(address)
    try:
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 1080)
        socket.create_connection((parts.hostname or "", port), timeout=seconds).close()
    except (OSError, ValueError) as error:
        return f"the web proxy {address} does not answer ({error})"
    return None

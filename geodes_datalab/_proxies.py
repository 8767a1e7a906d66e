"""The web proxies that the environment names, for programs whose own libraries read it wrongly or not at all.

``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY``, and ``NO_PROXY`` with its names, domains and ranges, as the
library `requests` reads them.
"""

from __future__ import annotations

import logging
from urllib.parse import urlsplit
from urllib.request import getproxies


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
    from requests.utils import get_environ_proxies, select_proxy

    found = select_proxy(address, get_environ_proxies(address))
    if not found:
        return None
    proxy = found if "://" in found else f"http://{found}"
    if urlsplit(proxy).scheme in ("http", "https"):
        return proxy
    logging.getLogger(__name__).warning(
        "%s is asked directly: %s is no HTTP proxy", address, shown(proxy)
    )
    return None


def shown(proxy: str) -> str:
    """Return the address of a proxy without the name and password in it.

    Examples
    --------
    >>> shown("http://ada:secret@proxy.example.org:3128/")
    'http://proxy.example.org:3128'
    """
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


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

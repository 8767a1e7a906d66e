"""How GDAL is set up while it reads one file: address, credentials, threads, and what it logs.

Three traps of GDAL are met here, each seen in tests:

- A header in ``GDAL_HTTP_HEADERS`` goes to every host, also to those the server redirects to. So
  the address is resolved first, by our own session, and GDAL is given the final one; the key is in
  GDAL's environment only while a file of the portal's own origin is read.
- rasterio sets options for the whole process when it runs in the main thread. So reading is always
  done in another thread.
- OpenJPEG's worker threads do not see a thread's options: they would ask without the key, and GDAL
  would return zeros without an error. So decoding is single-threaded (Dask reads many files at once).
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urljoin

import rasterio
import rasterio.errors
import requests
from rasterio.errors import NotGeoreferencedWarning
from rasterio.session import DummySession

from geodes_datalab import _http, auth
from geodes_datalab.cubes import credentials
from geodes_datalab.cubes.archive import fetched, local

T = TypeVar("T")

FRESH = 600.0
"""Seconds for which the final address of a file is remembered."""

_final: dict[str, tuple[float, str]] = {}

_led_away: set[str] = set()
"""Addresses of the portal whose HEAD is sent on to another origin, though their content is not."""

_INSIDE = r"rasterio\.(env|features|warp)$"

_muting = threading.Lock()


def address(path: str) -> str | None:
    """Return the web address in a GDAL path.

    Examples
    --------
    >>> address("/vsizip/{/vsicurl/https://geodes.example/files/abc}/S2/B04.jp2")
    'https://geodes.example/files/abc'
    >>> address("/data/B04.tif") is None
    True
    """
    found = re.search(r"\{/vsicurl/(.+?)\}|^/vsicurl/(.+)$", path)
    return (found[1] or found[2]) if found else None


def mute_rasterio() -> None:
    """Silence a warning that rasterio itself suppresses, which fails when several threads read.

    It is about the arrays that rasterio itself warps or rasterises into. Only warnings from inside
    those modules are meant: a user who opens a file without georeference is still told. To be called
    before threads begin, too: filters that one of them sets may go with another one's.
    """
    with _muting:
        found = (one for one in warnings.filters if issubclass(NotGeoreferencedWarning, one[2]))
        action, _, category, module, _ = next(found, ("", None, Warning, None, 0))
        pattern = getattr(module, "pattern", module)
        if (action, category, pattern) == ("ignore", NotGeoreferencedWarning, _INSIDE):
            return
        # in front of all others: rasterio's own filter may have been left behind by another thread
        warnings.filterwarnings("ignore", category=NotGeoreferencedWarning, module=_INSIDE)


def within(path: str, read: Callable[[str], T]) -> T:
    """Call a function with a path that GDAL can open now, whatever it names."""
    mute_rasterio()
    cache = credentials.settings().cache_dir
    with (
        fetched.held(path, cache),
        environment(path) as resolved,
        local.lent_here(resolved, cache) as inside,
    ):
        return read(inside)


@contextlib.contextmanager
def environment(path: str) -> Iterator[str]:
    """Set GDAL's options for one file; yield its path with the final address in it."""
    options: dict[str, Any] = {
        # masks and scales may lie beside a file on disk; on servers, nothing is asked for in vain
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR" if path.startswith("/vsi") else "TRUE",
        "GDAL_NUM_THREADS": "1",
        "GDAL_CACHEMAX": 256 * 2**20,
    }
    url = address(path)
    if url is not None:
        settings = credentials.settings()
        final = _resolve(url)
        path = path.replace(url, final)
        options |= _web_options(settings)
        for name, value in auth.header(final, settings).items():
            options["GDAL_HTTP_HEADERS"] = f"{name}: {value}"
            if url in _led_away:
                options["CPL_VSIL_CURL_USE_HEAD"] = "NO"
    with rasterio.Env(session=DummySession(), **options):
        yield path


def _web_options(settings: Any) -> dict[str, Any]:
    options = {
        "GDAL_HTTP_MAX_RETRY": settings.retries,
        "GDAL_HTTP_RETRY_DELAY": settings.backoff,
        "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
        "GDAL_HTTP_CONNECTTIMEOUT": settings.timeout,
        "GDAL_HTTP_LOW_SPEED_LIMIT": 1,  # bytes/s: a stalled transfer is an error, not a hang
        "GDAL_HTTP_LOW_SPEED_TIME": settings.timeout,
    }
    if settings.ca_bundle:
        options["CURL_CA_BUNDLE"] = settings.ca_bundle
        options["GDAL_CURL_CA_BUNDLE"] = settings.ca_bundle
    return {name: value for name, value in options.items() if value}


def _resolve(url: str) -> str:
    """Return the address that serves a file in the end, where it is on another host.

    A file on the portal may be handed over to an object store. The key must not follow.
    """
    settings = credentials.settings()
    if not auth.header(url, settings):
        return url
    known = _final.get(url)
    if known and time.monotonic() - known[0] < FRESH:
        return known[1]
    with (
        _http.Client(settings) as client,
        client.stream(url, {"Range": "bytes=0-0"}) as response,
    ):
        final = response.url
        if auth.origin(final) == auth.origin(url) and _leads_away(client, url):
            _led_away.add(url)
        else:
            _led_away.discard(url)
    if auth.origin(final) == auth.origin(url):
        final = url
    else:
        _redact_logs()
    _final[url] = (time.monotonic(), final)
    return final


def _leads_away(client: _http.Client, url: str) -> bool:
    """Tell whether the HEAD that GDAL begins with would be sent on to another origin, with the key."""
    try:
        with client.session.request("HEAD", url, allow_redirects=False) as response:
            onward = urljoin(url, response.headers.get("Location", ""))
            return response.is_redirect and auth.origin(onward) != auth.origin(url)
    except requests.RequestException:
        return False  # GDAL will fare no better, and asks for the content then


def forget(url: str) -> None:
    """Drop what GDAL remembers of a file: a refusal would stick for the life of the process."""
    final = _final.pop(url, (0.0, url))[1]
    for known in {url, final}:
        _drop(known)


def _drop(url: str) -> None:
    try:
        from rasterio.cache import invalidate
    except (
        ImportError
    ):  # rasterio < 1.5: a file that GDAL may not remember is dropped when it is closed
        with (
            contextlib.suppress(rasterio.errors.RasterioError),
            rasterio.Env(
                session=DummySession(),
                CPL_VSIL_CURL_NON_CACHED=f"/vsicurl/{url}",
                **_web_options(credentials.settings()),
            ),
            rasterio.open(f"/vsicurl/{url}"),
        ):
            pass
    else:
        invalidate(url.partition("?")[0])


class _Redaction(logging.Filter):
    """Keeps signatures of addresses out of the logs of the libraries that open them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record; let it pass."""
        record.msg, record.args = without_addresses(record.getMessage()), None
        return True


_REDACTION = _Redaction()


def _redact_logs() -> None:
    for name in ("odc.loader._rio", "rasterio._env", "rasterio._err"):
        logging.getLogger(name).addFilter(_REDACTION)  # adding it again does nothing


def without_addresses(text: str) -> str:
    """Leave signatures of addresses out of a text."""
    return re.sub(r"(https?://[^\s?{}]+)\?[^\s{}]*", r"\1?...", text)


def on_few_threads(function: Callable[[], T]) -> T:
    """Call a function that has nothing to wait for, in one of as many threads as there are processors.

    In each thread that is new to GDAL, PROJ opens its database again: 12 ms of the processor, as much as
    the pixels of a window take. Those who wait for servers are many; those who compute are few, and kept.
    """
    return _computing(os.getpid()).submit(function).result()


@lru_cache(maxsize=1)
def _computing(process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="geodes-compute")


def off_main_thread(function: Callable[[], T]) -> T:
    """Call a function in another thread than the main one, and wait for it."""
    if threading.current_thread() is not threading.main_thread():
        return function()
    return _aside(os.getpid()).submit(function).result()


@lru_cache(maxsize=1)
def _aside(process: int) -> ThreadPoolExecutor:
    """Return threads that are kept: in each new one, PROJ opens its database again (15 ms).

    More than one, since one that was left by Ctrl-C may still be waiting for a server.
    """
    return ThreadPoolExecutor(4, thread_name_prefix="geodes-read")

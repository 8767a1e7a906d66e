"""Pixels of one file, read by GDAL in the process and thread that need them.

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
import re
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import rasterio
import rasterio.errors
from odc.geo.converters import rio_geobox
from odc.geo.geobox import GeoBox
from odc.loader import RasterLoadParams, RasterSource, RioReader
from odc.loader._rio import LocalContext
from rasterio._err import CPLE_BaseError
from rasterio.errors import NotGeoreferencedWarning
from rasterio.session import DummySession

from geodes_datalab import _http, auth
from geodes_datalab.cubes import credentials
from geodes_datalab.errors import GeodesError, ReadError

T = TypeVar("T")

FRESH = 600.0
"""Seconds for which the final address of a file is remembered."""

_final: dict[str, tuple[float, str]] = {}


@dataclass(frozen=True)
class Source:
    """One band of one product: what a worker needs to read it. Holds no secret."""

    title: str
    """Name of the product, for messages."""
    band: str
    """Native name of the band."""
    path: str
    """Path as GDAL understands it, with the public address inside."""


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


def read_pixels(source: Source, params: RasterLoadParams, geobox: Any) -> Any:
    """Read the part of a source that lies in a pixel grid.

    Parameters
    ----------
    source
        What to read.
    params
        odc-loader's description of the output: dtype, fill value, resampling.
    geobox
        Output grid (CRS, transform, shape).

    Returns
    -------
    tuple
        Where the pixels go in the grid (two slices), and the pixels (y, x).

    Raises
    ------
    ReadError
        The file could not be read.
    AuthenticationError, QuotaError, RequestError, ServiceError
        The server refused or failed.
    """

    def read(path: str) -> Any:
        return RioReader(RasterSource(path), LocalContext()).read(params, geobox)

    return _guarded(source, read)


@dataclass(frozen=True)
class Header:
    """What a file tells of its first band."""

    grid: GeoBox
    dtype: str
    nodata: float | None


def read_header(source: Source) -> Header:
    """Read what a file tells of itself."""

    def read(path: str) -> Header:
        with rasterio.open(path, sharing=False) as file:
            grid = rio_geobox(file)
            if not isinstance(grid, GeoBox):  # ground control points: radar geometry
                grid = GeoBox(file.shape, file.transform, None)
            return Header(grid, file.dtypes[0], file.nodata)

    return _guarded(source, read)


def _guarded(source: Source, read: Callable[[str], T]) -> T:
    failure: str
    try:
        return _off_main_thread(partial(_within_environment, source.path, read))
    except (rasterio.errors.RasterioError, CPLE_BaseError) as error:
        failure = str(error)
    # outside the handler, so that GDAL's own words, which may hold a signed address, are not chained
    raise _explain(source, failure)


def mute_rasterio() -> None:
    """Silence a warning that rasterio itself suppresses, which fails when several threads read.

    It is about the arrays that rasterio itself warps or rasterises into. Only warnings from inside
    those modules are meant: a user who opens a file without georeference is still told.
    """
    if not any(known[2] is NotGeoreferencedWarning for known in warnings.filters):
        warnings.filterwarnings(
            "ignore", category=NotGeoreferencedWarning, module=r"rasterio\.(env|features|warp)$"
        )


def _within_environment(path: str, read: Callable[[str], T]) -> T:
    mute_rasterio()
    with _environment(path) as resolved:
        return read(resolved)


@contextlib.contextmanager
def _environment(path: str) -> Iterator[str]:
    """Set GDAL's options for one file; yield its path with the final address in it."""
    options: dict[str, Any] = {
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
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
    if auth.origin(final) == auth.origin(url):
        final = url
    else:
        _redact_logs()
    _final[url] = (time.monotonic(), final)
    return final


def _explain(source: Source, failure: str) -> GeodesError:
    """Say why a file could not be read: ask its server, if it has one."""
    url = address(source.path)
    if url is not None:
        _forget(url)
        try:
            with _http.Client(credentials.settings()) as client:
                client.probe(url)
        except GeodesError as error:
            return error
    what = f"band {source.band} of {source.title} could not be read"
    return ReadError(
        f"{what}: {_without_addresses(failure)}",
        "try again; if it fails again, download the product with geodes_datalab.download(), which "
        "checks its MD5, and pass that folder as archives=",
    )


def _forget(url: str) -> None:
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
            rasterio.Env(session=DummySession(), CPL_VSIL_CURL_NON_CACHED=f"/vsicurl/{url}"),
            rasterio.open(f"/vsicurl/{url}"),
        ):
            pass
    else:
        invalidate(url.partition("?")[0])


class _Redaction(logging.Filter):
    """Keeps signatures of addresses out of the logs of the libraries that open them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record; let it pass."""
        record.msg, record.args = _without_addresses(record.getMessage()), None
        return True


_REDACTION = _Redaction()


def _redact_logs() -> None:
    for name in ("odc.loader._rio", "rasterio._env", "rasterio._err"):
        logging.getLogger(name).addFilter(_REDACTION)  # adding it again does nothing


def _without_addresses(text: str) -> str:
    return re.sub(r"(https?://[^\s?{}]+)\?[^\s{}]*", r"\1?...", text)


def _off_main_thread(function: Callable[[], T]) -> T:
    if threading.current_thread() is not threading.main_thread():
        return function()
    result: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            result.append(function())
        except BaseException as error:  # noqa: BLE001 - handed to the caller below
            failure.append(error)

    thread = threading.Thread(target=run, name="geodes-read")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return result[0]

"""How GDAL is set up while it reads one file: threads, memory, what it says.

Two traps of GDAL are met here, each seen in tests:

- rasterio sets options for the whole process when it runs in the main thread. So reading is always
  done in another thread.
- OpenJPEG's worker threads do not see a thread's options, and GDAL would return zeros without an error
  where one of them fails. So decoding is single-threaded (Dask reads many files at once).

GDAL asks no server. What it reads of one comes by requests of our own: see `archive.served`.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar

import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.session import DummySession

from geodes_datalab import _limits
from geodes_datalab.cubes.archive import local
from geodes_datalab.cubes.share import credentials

T = TypeVar("T")

_INSIDE = r"(rasterio\.(env|features|warp)|geodes_datalab\.cubes\.formats\.\w+)$"
"""Modules from which that warning tells nothing: products as a sensor saw them lie on no map."""

_muting = threading.Lock()


def mute_rasterio() -> None:
    """Silence a warning that rasterio itself suppresses, which fails when several threads read.

    It is about the arrays that rasterio itself warps or rasterises into, and about products in the geometry
    of a sensor. Only warnings from inside those modules are meant: a user who opens a file without georeference is still told. To be called
    before threads begin, too: filters that one of them sets may go with another one's.
    """
    with _muting:
        result = (item for item in warnings.filters if issubclass(NotGeoreferencedWarning, item[2]))
        action, _, category, module, _ = next(result, ("", None, Warning, None, 0))
        pattern = getattr(module, "pattern", module)
        if (action, category, pattern) == ("ignore", NotGeoreferencedWarning, _INSIDE):
            return
        # in front of all others: rasterio's own filter may have been left behind by another thread
        warnings.filterwarnings("ignore", category=NotGeoreferencedWarning, module=_INSIDE)


def within(path: str, read: Callable[[str], T]) -> T:
    """Call a function with a path that GDAL can open now, whatever it names."""
    mute_rasterio()
    with (
        environment(path) as resolved,
        local.lent_here(resolved, credentials.settings().cache_dir) as inside,
    ):
        return read(inside)


@contextlib.contextmanager
def environment(path: str) -> Iterator[str]:
    """Set GDAL's options for one file; yield its path."""
    options: dict[str, Any] = {
        # masks and scales may lie beside a file on disk; on servers, nothing is asked for in vain
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR" if path.startswith("/vsi") else "TRUE",
        "GDAL_NUM_THREADS": "1",
        "GDAL_CACHEMAX": 256 * 2**20,
    }
    with rasterio.Env(session=DummySession(), **options):
        yield path


def without_addresses(text: str) -> str:
    """Leave signatures of addresses out of a text."""
    return re.sub(r"(https?://[^\s?{}]+)\?[^\s{}]*", r"\1?...", text)


def on_few_threads(function: Callable[[], T]) -> T:
    """Call a function that has nothing to wait for, in one of as many threads as may compute at once.

    In each thread that is new to GDAL, PROJ opens its database again: 12 ms of the processor, as much as
    the pixels of a window take. Those who wait for servers are many; those who compute are few, and kept.
    """
    return _computing(os.getpid()).submit(function).result()


@lru_cache(maxsize=1)
def _computing(process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_limits.processors(), thread_name_prefix="geodes-compute")


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

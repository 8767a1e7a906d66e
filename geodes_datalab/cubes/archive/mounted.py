"""Files that GDAL reads through functions of ours, so that it asks no server itself.

GDAL has file systems as plug-ins, made of C functions; ctypes makes them of Python's. They are called in
the thread that reads, with the interpreter's lock held or not, and take it themselves. There is one
file system for the process, installed once: GDAL looks them up without a lock of its own. What goes wrong
within a read is kept, since GDAL would tell it in other words, or not at all.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import platform
import re
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_size_t, c_uint64, c_void_p
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, TypeVar

from geodes_datalab.cubes.archive.bundled import libraries
from geodes_datalab.cubes.archive.pages import Pages
from geodes_datalab.cubes.archive.ranges import Span
from geodes_datalab.errors import ReadError

PREFIX = "/vsigeodes/"

_PREFIX = ctypes.create_string_buffer(PREFIX.encode())
"""For GDAL, which keeps the pointer and not the text."""

_KINDS: dict[str, Any] = {
    "stat": CFUNCTYPE(c_int, c_void_p, c_char_p, c_void_p, c_int),
    "unlink": c_void_p,
    "rename": c_void_p,
    "mkdir": c_void_p,
    "rmdir": c_void_p,
    "read_dir": c_void_p,
    "open": CFUNCTYPE(c_void_p, c_void_p, c_char_p, c_char_p),
    "tell": CFUNCTYPE(c_uint64, c_void_p),
    "seek": CFUNCTYPE(c_int, c_void_p, c_uint64, c_int),
    "read": CFUNCTYPE(c_size_t, c_void_p, c_void_p, c_size_t, c_size_t),
    "read_multi_range": CFUNCTYPE(
        c_int, c_void_p, c_int, POINTER(c_void_p), POINTER(c_uint64), POINTER(c_size_t)
    ),
    "range_status": c_void_p,
    "eof": CFUNCTYPE(c_int, c_void_p),
    "write": c_void_p,
    "flush": c_void_p,
    "truncate": c_void_p,
    "close": CFUNCTYPE(c_int, c_void_p),
}  # fmt: skip
"""Functions of a file system, in GDAL's order (cpl_vsi.h); those that are not given are void pointers."""


class _Callbacks(ctypes.Structure):
    _fields_ = [("user", c_void_p), *_KINDS.items()]


_LAYOUT = {"x86_64": (24, 4, 48), "aarch64": (16, 4, 48), "arm64": (4, 2, 96)}
"""Of C's ``struct stat`` on Linux, and on macOS: where the mode lies, its bytes, and where the size lies."""


class Mounted:
    """A file while GDAL may read it.

    Parameters
    ----------
    pages
        The file.
    path
        Where GDAL finds it.
    """

    def __init__(self, pages: Pages, path: str) -> None:
        self.pages, self.path = pages, path
        self.failure: BaseException | None = None
        """What went wrong while it was read, first."""


class _Handle:
    """One opening of a file."""

    def __init__(self, mount: Mounted) -> None:
        self.mount, self.at, self.ended = mount, 0, False


_mounts: dict[str, Mounted] = {}
_handles: dict[int, _Handle] = {}
_numbers = itertools.count(1)
_F = TypeVar("_F", bound=Callable[..., Any])


@contextlib.contextmanager
def mounted(pages: Pages, name: str) -> Iterator[Mounted]:
    """Let GDAL find a file until the end of the block.

    Parameters
    ----------
    pages
        The file.
    name
        Its name: GDAL judges some files by their endings.

    Raises
    ------
    ReadError
        This build of GDAL takes no file systems.
    """
    _install()
    inner = f"{next(_numbers)}/{re.sub(r'[^A-Za-z0-9._-]', '_', Path(name).name)[-64:]}"
    mount = Mounted(pages, PREFIX + inner)
    _mounts[inner] = mount
    try:
        yield mount
    finally:
        del _mounts[inner]


def _kept(failed: int) -> Callable[[_F], Any]:
    """Return from a function what means failure, where it raises; keep the error with the file."""

    def decorate(function: _F) -> Any:
        @wraps(function)
        def guarded(number: Any, *arguments: Any) -> Any:
            handle = _handles.get(number)
            if handle is None or handle.mount.failure is not None:
                return failed
            try:
                return function(handle, *arguments)
            except BaseException as error:  # noqa: BLE001 - no exception passes through C
                handle.mount.failure = error
                return failed

        return guarded

    return decorate


def _stat(_: int, name: bytes, into: int, flags: int) -> int:
    mount = _mounts.get(name.decode("utf-8", "replace").removeprefix(PREFIX))
    layout = _LAYOUT.get(platform.machine())
    if mount is None or layout is None:
        return -1
    mode, width, size = layout
    ctypes.memmove(into + mode, (stat.S_IFREG | 0o444).to_bytes(width, sys.byteorder), width)
    ctypes.memmove(into + size, mount.pages.size.to_bytes(8, sys.byteorder), 8)
    return 0


def _open(_: int, name: bytes, access: bytes) -> int | None:
    mount = _mounts.get(name.decode("utf-8", "replace").removeprefix(PREFIX))
    if mount is None or b"w" in access or b"+" in access or b"a" in access:
        return None
    number = next(_numbers)
    _handles[number] = _Handle(mount)
    return number


def _close(number: int) -> int:
    _handles.pop(number, None)
    return 0


@_kept(0)
def _tell(handle: _Handle) -> int:
    return handle.at


@_kept(-1)
def _seek(handle: _Handle, offset: int, whence: int) -> int:
    handle.at = (0, handle.at, handle.mount.pages.size)[whence] + offset
    handle.ended = False
    return 0


@_kept(0)
def _read(handle: _Handle, into: int, size: int, count: int) -> int:
    data = handle.mount.pages.read(handle.at, handle.at + size * count)
    ctypes.memmove(into, data, len(data))
    handle.at += len(data)
    handle.ended = len(data) < size * count
    return len(data) // size if size else 0


@_kept(-1)
def _read_many(handle: _Handle, count: int, into: Any, begins: Any, sizes: Any) -> int:
    spans = [Span(begins[item], begins[item] + sizes[item]) for item in range(count)]
    if any(span.end > handle.mount.pages.size for span in spans):
        return -1
    for item, data in enumerate(handle.mount.pages.many(spans)):
        ctypes.memmove(into[item], data, len(data))
    return 0


@_kept(1)
def _eof(handle: _Handle) -> int:
    return int(handle.ended)


_MINE: dict[str, Callable[..., Any]] = {
    "stat": _stat, "open": _open, "tell": _tell, "seek": _seek, "read": _read, "read_multi_range": _read_many,
    "eof": _eof, "close": _close,
}  # fmt: skip

_installing = threading.Lock()


def _install() -> None:
    with _installing:
        if _installed() is None:
            raise ReadError(
                "rasterio's GDAL was not found, or takes no file systems, through which files on servers are read",
                "install rasterio's own wheel (pip install --force-reinstall rasterio), or download the "
                "product with geodes_datalab.download()",
            )


@lru_cache(maxsize=1)
def _installed() -> Any:
    """Give GDAL the file system; return what must live as long as the process, None without GDAL."""
    needed: dict[str, tuple[Any, list[Any]]] = {
        "VSIAllocFilesystemPluginCallbacksStruct": (POINTER(_Callbacks), []),
        "VSIInstallPluginHandler": (c_int, [c_char_p, POINTER(_Callbacks)]),
    }
    for library in libraries("libgdal*", _loaded(), needed):
        table = library.VSIAllocFilesystemPluginCallbacksStruct()
        functions = {name: _KINDS[name](function) for name, function in _MINE.items()}
        for name, function in functions.items():
            setattr(table.contents, name, function)
        if library.VSIInstallPluginHandler(_PREFIX, table) == 0:
            return library, table, functions
    return None


def _loaded() -> list[str]:
    """Return where the process has GDAL from, where it is not in rasterio's wheel."""
    with contextlib.suppress(OSError):
        lines = Path("/proc/self/maps").read_text().splitlines()
        return sorted({line.split(None, 5)[-1] for line in lines if "/libgdal" in line})
    return []

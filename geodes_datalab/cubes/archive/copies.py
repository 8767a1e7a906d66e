"""What is fetched of an image: its header, and copies with holes of its pixels."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy.typing as npt
from rasterio.io import MemoryFile

from geodes_datalab.cubes.archive.window import Window

_REMEMBERED = 4096


@dataclass(frozen=True)
class Place:
    """A member of an archive on a server."""

    url: str
    size: int | None
    """Bytes of the archive; of an image that is a file by itself, where they are known."""
    member: str
    """Nothing, where the file itself is the image."""


class View(NamedTuple):
    """What will be read of an image."""

    window: Window
    """Pixels at full resolution."""
    level: int
    """Which overview: 0 for the image itself."""


def overview_of(shrink: int, overviews: Sequence[int]) -> int | None:
    """Return which overview odc-loader reads, of those that a file has; None for the image itself.

    Its own function is private, so it is told again here; a test holds the two against each other.

    Parameters
    ----------
    shrink
        How many pixels of the file go into one of the cube, along each axis.
    overviews
        The same for each overview, in ascending order.

    Examples
    --------
    >>> overview_of(5, [2, 4, 8])
    1
    """
    fine = [index for index, step in enumerate(overviews) if step <= shrink]
    return fine[-1] if fine and fine[0] == 0 else None


class Image(Protocol):
    """A format of which parts are read."""

    ending: str

    @property
    def head(self) -> bytes:
        """The file's first bytes, as far as they are known as they stand there."""
        ...

    def note(self) -> bytes:
        """Return what was learnt of the file, for another time."""
        ...

    def skeleton(self) -> bytes:
        """Return a file that has the image's header, and no pixels."""
        ...

    def copy(self, window: Window, level: int = 0) -> Copy:
        """Fetch what holds the pixels of a window."""
        ...


class Copy(Protocol):
    """Some pixels of an image."""

    @property
    def facts(self) -> Hashable:
        """All that its header says but where pixels lie; None where that is not to be compared."""
        ...

    def file(self) -> bytes:
        """Return a file that has them, and holes elsewhere."""
        ...

    def pixels(
        self, window: Window, level: int = 0, out: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[Any] | None:
        """Decode a window of them without GDAL; None where GDAL must."""
        ...


Look = Callable[[str], View | None]
"""Opens a file that has an image's header, and decides what to read of it: perhaps nothing."""


class Copied(str):
    """A path where GDAL finds the header of an image, and what was fetched of its pixels."""

    __slots__ = ("copy", "ending")
    copy: Copy
    ending: str


Made = tuple[bytes, str, Copy | None]
"""A header and its file's ending, and what was fetched of the pixels."""


@contextlib.contextmanager
def in_memory(skeleton: bytes, ending: str, copy: Copy | None) -> Iterator[str]:
    """Yield a path where GDAL finds a header, and which knows what was fetched."""
    with MemoryFile(skeleton, ext=ending) as memory:
        if copy is None:
            yield memory.name
            return
        path = Copied(memory.name)
        path.copy, path.ending = copy, ending
        yield path


@contextlib.contextmanager
def filled(path: str) -> Iterator[str]:
    """Yield a path where GDAL finds the pixels too that were fetched for what `lent` yields."""
    if not isinstance(path, Copied):
        yield path
        return
    with MemoryFile(path.copy.file(), ext=path.ending) as memory:
        yield memory.name


def header_facts(path: str) -> Hashable:
    """Return all that the header says of an image that `lent` yields, but where its pixels lie.

    What GDAL tells of two images with the same facts is the same; None where that is not known.
    """
    return path.copy.facts if isinstance(path, Copied) else None


def decoded(
    path: str, window: Window, level: int = 0, out: npt.NDArray[Any] | None = None
) -> npt.NDArray[Any] | None:
    """Decode a window of what `lent` yields without GDAL, where that is faster and gives the same.

    Parameters
    ----------
    path
        What `lent` yields.
    window
        Pixels at full resolution, of those that were asked for.
    level
        Which overview: the one that was asked for.
    out
        Where to put the pixels, if it suits them.

    Returns
    -------
    numpy.ndarray or None
        Pixels of the only band (y, x); None where GDAL must read them.
    """
    return path.copy.pixels(window, level, out) if isinstance(path, Copied) else None


def viewed(image: Image, look: Look | None) -> Made:
    """Show somebody an image's header, and fetch what they want to see."""
    skeleton = image.skeleton()
    if look is None:
        return skeleton, image.ending, None
    with MemoryFile(skeleton, ext=image.ending) as memory:
        view = look(memory.name)
    if view is None:
        return skeleton, image.ending, None
    return skeleton, image.ending, image.copy(view.window, view.level)


_locks: OrderedDict[object, threading.Lock] = OrderedDict()
_guard = threading.Lock()


def turn(key: Hashable) -> threading.Lock:
    """Return the lock of a member."""
    with _guard:
        lock = _locks.setdefault(key, threading.Lock())
        _locks.move_to_end(key)
        while len(_locks) > _REMEMBERED:
            _locks.popitem(last=False)
        return lock

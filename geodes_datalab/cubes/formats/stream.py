"""Files as streams that libraries read from, of which only what is needed is fetched."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from geodes_datalab.cubes.archive.archives import directory_of_file
from geodes_datalab.cubes.archive.directory import DEFLATED
from geodes_datalab.cubes.archive.inflated import Inflated
from geodes_datalab.cubes.archive.local import split
from geodes_datalab.cubes.archive.members import found, stored
from geodes_datalab.cubes.archive.pages import Pages
from geodes_datalab.cubes.archive.ranges import Bytes, FileBytes
from geodes_datalab.cubes.archive.served import pages_of
from geodes_datalab.cubes.read import remote


class Stream(io.RawIOBase):
    """A file that can be read and sought; it travels to other processes as its place.

    Parameters
    ----------
    path
        As GDAL understands it: a path on this machine, ``/vsicurl/...``, or a member of an archive
        (``/vsizip/{...}/member``).
    size
        Bytes of the file or archive on a server, where the catalogue tells.
    """

    def __init__(self, path: str, size: int | None = None) -> None:
        super().__init__()
        self._place = (path, size)
        self._at = 0
        self._pages = _opened(path, size)

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._pages.size

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as the place."""
        return Stream, self._place

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be sought."""
        return True

    def tell(self) -> int:
        """Return the position, in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position, in bytes, from the begin, from here, or from the end."""
        self._at = max(0, (0, self._at, self.size)[whence] + offset)
        return self._at

    def readinto(self, into: Any) -> int:
        """Read bytes into a buffer; return how many."""
        view = memoryview(into).cast("B")
        data = self._pages.read(self._at, self._at + len(view))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)


def _opened(path: str, size: int | None) -> Pages:
    where = remote.place(path, size)
    if where is not None:
        return pages_of(remote.client(), where)
    return Pages(_here(path))


def _here(path: str) -> Bytes:
    """Return a file on this machine, or a member of an archive there."""
    inside = split(path)
    if inside is None:
        return FileBytes(Path(path))
    archive, member = inside
    file = FileBytes(archive)
    hint = f"look into {archive}: it may have been replaced"
    entry = found(directory_of_file(archive), member, hint=hint)
    return Inflated(file, entry) if entry.method == DEFLATED else stored(file, entry, ahead=0).file

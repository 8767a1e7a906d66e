"""What a download has to do: files to fetch, and what the transfers of one call share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from geodes_datalab.errors import DataError
from geodes_datalab.stac.downloads.naming import PART, File
from geodes_datalab.stac.downloads.standing import Standing, standing


class Stopped(Exception):
    """The download was told to stop; what was received stays for the next time."""


class Occupied(DataError):
    """Something else came to lie where a file was to go; it needs another name."""


@dataclass(frozen=True)
class Job:
    """One file to fetch."""

    file: File
    """What it is."""
    href: str
    """Where it is."""
    folder: Path
    """Folder of the download."""
    level: int = 0
    """Which of its names it gets."""
    there: bool = False
    """Whether it was there already, whole."""

    @cached_property
    def path(self) -> Path:
        """Where it goes."""
        return self.folder / self.file.name(self.level)

    @property
    def part(self) -> Path:
        """Where it is collected until it is whole."""
        return self.path.with_name(self.path.name + PART)

    @property
    def item_id(self) -> str:
        """Item it belongs to."""
        return str(self.file.item["id"])

    @property
    def product(self) -> str:
        """Name of the product, for messages."""
        return self.file.product

    @property
    def size(self) -> int | None:
        """Bytes, as the catalogue tells."""
        return self.file.asset.get("file:size")

    @property
    def md5(self) -> str | None:
        """Digest, as the catalogue tells."""
        return self.file.asset.get("geodes:md5")

    def received(self) -> int:
        """Return the bytes of an earlier, unfinished try."""
        return self.part.stat().st_size if self.part.is_file() else 0

    def standing(self) -> Standing:
        """Tell what lies there now."""
        return standing(self.file, self.level, self.folder)

    def complete(self) -> bool:
        """Tell whether the file is there, with the size and digest of the catalogue."""
        return self.standing() is Standing.WHOLE


class Watch:
    """What the transfers share: the progress bar and the wish to stop."""

    def __init__(self, advance: Callable[[int], object]) -> None:
        self._advance = advance
        self._lock = threading.Lock()
        self._positions: dict[Path, int] = {}
        self.stop = threading.Event()
        """Transfers end at their next chunk."""
        self.refused = threading.Event()
        """Those that are on their way go on; no other is begun."""

    def at(self, path: Path, position: int) -> None:
        """Note how many bytes of a file are there; may go back where a file is begun anew.

        Raises
        ------
        Stopped
            The download was told to stop.
        """
        if self.stop.is_set():
            raise Stopped
        with self._lock:
            self._advance(position - self._positions.get(path, 0))
            self._positions[path] = position

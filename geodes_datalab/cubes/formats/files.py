"""The files of a product, wherever they lie: assets of an item, and members of its archive."""

from __future__ import annotations

import glob
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from geodes_datalab import _http, stac
from geodes_datalab._types import Json
from geodes_datalab.cubes.formats.stream import Stream
from geodes_datalab.cubes.parse.products import title_of
from geodes_datalab.cubes.plan.changed import changed, damaged
from geodes_datalab.cubes.plan.locate import Finder
from geodes_datalab.errors import FormatChanged, ReadError

LARGEST = 256 * 2**20
"""Bytes of a file that `ProductFiles.read` returns, at most."""

UNPACKED = 4 * 2**30
"""Bytes of a file that `ProductFiles.unpacked` puts into a folder, at most: no part of a shapefile is larger."""


class ProductFiles:
    """The files of one product.

    Parameters
    ----------
    item
        Normalised item.
    client
        Sends requests.
    folder
        Where `geodes_datalab.download` left products; what lies there is not read over the network.
    """

    def __init__(self, item: Json, client: _http.Client, folder: str | Path | None = None) -> None:
        self.title = title_of(item)
        """Name of the product."""
        self._item, self._client = item, client
        self._finder = Finder(client, folder, [item])

    @cached_property
    def _held(self) -> dict[str, tuple[Json, str]]:
        """Name of each file -> the asset that it is, or is in, and its path in an archive."""
        assets = self._item.get("assets") or {}
        chosen = {
            key: one for key, one in assets.items() if "data" in (one.get("roles") or ["data"])
        }
        if not chosen:
            key, one = stac.data_asset(self._item)
            chosen = {key: one}
        held: dict[str, tuple[Json, str]] = {}
        for key, one in chosen.items():
            members = self._finder.members(one)
            if members is None:
                held[str(one.get("title") or key)] = (one, "")
            else:
                held |= {name: (one, name) for name in members if not name.endswith("/")}
        return held

    @property
    def names(self) -> list[str]:
        """Paths of the members of the product's archive; or names of its files."""
        return list(self._held)

    def all(self, pattern: str) -> list[str]:
        """Return the names that fit a pattern (fnmatch, ``*`` crosses folders), the least deep first."""
        fitting = [name for name in self._held if fnmatchcase(name, pattern)]
        return sorted(fitting, key=lambda name: (name.count("/"), name))

    def one(self, *patterns: str) -> str:
        """Return the first name that fits any of some patterns, in their order.

        Raises
        ------
        FormatChanged
            None does; the error names the files that there are, and the nearest pattern.
        """
        for pattern in patterns:
            if found := self.all(pattern):
                return found[0]
        raise self.changed(f"has no file {' or '.join(patterns)}", patterns)

    def changed(self, how: str, wanted: Sequence[str] = ()) -> FormatChanged:
        """Return the error for a product that is not as it is described."""
        return changed(self.title, how, self.names, wanted)

    def damaged(self, name: str, how: str) -> ReadError:
        """Return the error for a file that cannot be read."""
        return damaged(f"{name} of {self.title} {how}")

    def gdal(self, name: str) -> tuple[str, int | None]:
        """Return the path of a file as GDAL understands it, and the bytes of the file or archive that it is in."""
        asset, member = self._held[name]
        size = asset.get("file:size")
        path = self._finder.locate(asset, glob.escape(member) if member else "*")
        return path, int(size) if size else None

    def stream(self, name: str) -> Stream:
        """Open a file: what is read of it is fetched, and no more."""
        return Stream(*self.gdal(name))

    def read(self, name: str) -> bytes:
        """Return the content of a small file.

        Raises
        ------
        FormatChanged
            It is too large to be what it should be.
        """
        with self.stream(name) as stream:
            if stream.size > LARGEST:
                raise self.changed(f"holds {name} of {stream.size} bytes, which should be small")
            return stream.read()

    @contextmanager
    def unpacked(self, *patterns: str) -> Iterator[Path]:
        """Put files into a folder until the end of the block, for libraries that read paths alone.

        Parameters
        ----------
        *patterns
            Of the files.

        Yields
        ------
        pathlib.Path
            The folder; files in it have their names in the archive, without folders.

        Raises
        ------
        FormatChanged
            A file is larger than such files can be.
        """
        with TemporaryDirectory(prefix="geodes-product-") as folder:
            for name in dict.fromkeys(name for one in patterns for name in self.all(one)):
                with self.stream(name) as stream, Path(folder, Path(name).name).open("wb") as into:
                    if stream.size > UNPACKED:
                        raise self.changed(
                            f"holds {name} of {stream.size} bytes, which is too large"
                        )
                    shutil.copyfileobj(stream, into, 2**20)
            yield Path(folder)

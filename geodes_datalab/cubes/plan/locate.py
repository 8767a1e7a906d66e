"""Where the pixels are: an asset becomes a path that GDAL can read."""

from __future__ import annotations

import contextlib
import hashlib
import re
import warnings
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from threading import Lock
from typing import Protocol

from geodes_datalab import _http, stac
from geodes_datalab._types import Json
from geodes_datalab.cubes.archive import fetched
from geodes_datalab.cubes.archive.archives import members_of_file, members_of_url
from geodes_datalab.cubes.archive.trouble import Changed, NoRanges
from geodes_datalab.cubes.plan import arguments
from geodes_datalab.cubes.plan.shelf import Shelf
from geodes_datalab.errors import ArchiveError, ServerQuirk
from geodes_datalab.stac.downloads.naming import plain_name
from geodes_datalab.stac.items.addresses import on_disk, readable

_MD5 = re.compile(r"[0-9a-f]{32}")
_ZIP = re.compile(r"(?<!g)zip", re.IGNORECASE)
"""In a media type: gzip packs one file, and is no archive of them."""


class Locator(Protocol):
    """The plug for other ways of reading (a faster archive engine, an object store)."""

    def locate(self, asset: Json, pattern: str) -> str:
        """Return the GDAL path of a file, or of a member of an archive.

        Parameters
        ----------
        asset
            Asset of a normalised item: ``href``, ``title``, ``file:size``.
        pattern
            Shell pattern of the member's path, for archives.

        Raises
        ------
        MissingMember
            The archive has no such member.
        """
        ...


class MissingMember(ArchiveError):
    """An archive has no member of that name."""


class Finder:
    """The default: plain files and members of zip archives, on servers or on disk.

    Parameters
    ----------
    client
        Asks servers for directories of archives.
    folder
        Where `geodes_datalab.download` left products; what lies there is not read over the network.
    items
        The items whose files are asked for: by them, files are found that do not bear their name alone.
    """

    def __init__(
        self,
        client: _http.Client,
        folder: str | Path | None = None,
        items: Sequence[Json] = (),
    ) -> None:
        self._client = client
        place = arguments.folder(folder)
        self.shelf = None if place is None else Shelf(place, items)
        """The folder of downloads, and what was found there."""
        self._downloading = Lock()
        self._warned = False

    def locate(self, asset: Json, pattern: str) -> str:
        """Return the GDAL path of an asset or of a member; see `Locator`."""
        path = self._on_disk(asset)
        if _is_zip(asset):
            archive, names = self._archive(asset, path)
            return f"/vsizip/{{{archive}}}/{match(pattern, names, asset)}"
        if path is not None:
            return str(path)
        href = readable(asset, plain_name(asset))
        return href if href.startswith("/vsi") else f"/vsicurl/{href}"

    def members(self, asset: Json) -> tuple[str, ...] | None:
        """Return the paths in an archive; None where an asset is none."""
        return self._archive(asset, self._on_disk(asset))[1] if _is_zip(asset) else None

    def _archive(self, asset: Json, path: Path | None) -> tuple[str, tuple[str, ...]]:
        """Return where GDAL finds an archive, and the paths in it."""
        if path is None:
            href = readable(asset, plain_name(asset))
            try:
                return f"/vsicurl/{href}", members_of_url(self._client, href, _size(asset))
            except NoRanges:
                path = self._fetched(asset)
            except Changed as error:
                raise ArchiveError(
                    f"{plain_name(asset)} is not the file that the catalogue describes: {error}",
                    hint="search again; if it stays so, report the product to the portal's support",
                ) from error
        return str(path), members_of_file(path)

    def at_hand(self, assets: Sequence[Json]) -> list[str] | None:
        """Return the GDAL paths of files on servers; None where one of them must be looked at.

        They are what `locate` returns, for thousands of assets at once. Archives, and files on disk, are
        left to `locate`.
        """
        hrefs: list[str] = [asset["href"] for asset in assets]
        names = [str(asset.get("title") or asset["href"]) for asset in assets]
        kinds = {str(asset.get("type")) for asset in assets}
        if (
            self.shelf is not None
            or any(_ZIP.search(kind) for kind in kinds)
            or ".zip" in "\n".join(names).lower()
            or " " in "".join(hrefs)
            or not all(href.startswith(("http://", "https://")) for href in hrefs)
        ):
            return None
        return ["/vsicurl/" + href for href in hrefs]

    def _on_disk(self, asset: Json) -> Path | None:
        path = on_disk(asset["href"])
        if path is not None:
            if self.shelf is not None:
                self.shelf.note(asset, path)
            return path.resolve()
        if self.shelf is not None and (result := self.shelf.find(asset)) is not None:
            return result
        if not _is_zip(asset):
            return None  # the cache holds nothing else
        path = self._cache(asset) / plain_name(asset)
        return path.resolve() if fetched.intact(path, asset) else None

    def _cache(self, asset: Json) -> Path:
        """Return the folder for the whole archive, where the server cannot send parts of it."""
        md5 = str(asset.get("geodes:md5") or "")
        name = md5 if _MD5.fullmatch(md5) else hashlib.sha256(asset["href"].encode()).hexdigest()
        return fetched.folder(self._client.config.cache_dir) / name

    def _fetched(self, asset: Json) -> Path:
        """Download an archive whose server cannot send parts, verified, into the cache."""
        folder = self._cache(asset)
        path = folder / plain_name(asset)
        product = {"id": plain_name(asset), "properties": {}, "assets": {"data": asset}}
        with self._downloading:  # one at a time: each shows its progress
            if not self._warned:
                self._warned = True
                warnings.warn(
                    "the server cannot send parts of an archive: whole archives are downloaded to "
                    f"{folder.parent}. Workers on other machines need that folder too",
                    ServerQuirk,
                    stacklevel=2,
                )
            if fetched.intact(path, asset):  # another thread was faster
                return path.resolve()
            with contextlib.suppress(OSError):  # what is damaged, of the right size, would be kept
                path.unlink()
            fetched.make_room(self._client.config.cache_dir)
            result = stac.download([product], folder, catalogue=self._client.config)[0].resolve()
            fetched.keep_note(result)
            return result


def match(pattern: str, names: Sequence[str], asset: Json) -> str:
    """Return the one name that fits a pattern; of several, the least deep, then the first.

    Raises
    ------
    MissingMember
        None does.

    Examples
    --------
    >>> match("*_B04.jp2", ["A.SAFE/T31TCH_B04.jp2", "A.SAFE/T31TCH_B08.jp2"], {"title": "A.zip"})
    'A.SAFE/T31TCH_B04.jp2'
    """
    result = [name for name in names if fnmatchcase(name, pattern)]
    if not result:
        raise MissingMember(
            f"{plain_name(asset)} has no member {pattern}",
            hint="load other bands, or look into the archive: its layout may have changed",
        )
    return min(result, key=lambda name: (name.count("/"), name))


def _is_zip(asset: Json) -> bool:
    told = (str(asset.get("title") or ""), plain_name(asset))
    return _ZIP.search(str(asset.get("type", ""))) is not None or any(
        item.lower().endswith(".zip") for item in told
    )


def _size(asset: Json) -> int:
    size = asset.get("file:size")
    if not size:
        raise ArchiveError(
            f"the catalogue does not tell the size of {plain_name(asset)}",
            hint="download it with geodes_datalab.download(), and pass that folder as archives=",
        )
    return int(size)

"""What downloaded files are called: `download` writes and `load` looks under the names given here.

A file has several names, each longer and more its own than the one before: the name alone, in a folder
of its product, below that in a folder of its key, and in a folder that is named after its address, which
no other file has. It gets the shortest that no other file of the call needs or the disk holds already. The choice
depends on both, but what is there is found again whatever is chosen: under each of its names, where the
file itself (see `marks`), its size and its digest tell that it is the one.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any

from geodes_datalab._types import Json
from geodes_datalab.errors import DataError
from geodes_datalab.stac.items.assets import file_name

PART = ".part"
"""What the name of an unfinished file ends with, and that of no other."""

LONGEST = 255
"""Bytes of a name, on all file systems that are used."""


@dataclass(frozen=True)
class File:
    """A file of an item."""

    item: Json
    """The item."""
    asset: Json
    """The asset."""

    @property
    def href(self) -> str:
        """Where it is: two assets with one address are one file."""
        return str(self.asset["href"])

    @cached_property
    def product(self) -> str:
        """Name of the product, for messages."""
        return product_of(self.item)

    @cached_property
    def key(self) -> str:
        """Key of the asset; of several with the same address, the first."""
        assets = self.item["assets"].items()
        return next((str(key) for key, item in assets if item.get("href") == self.href), "")

    @cached_property
    def plain(self) -> str:
        """The name alone."""
        return plain_name(self.asset)

    @cached_property
    def alone(self) -> bool:
        """Whether no other file of the item has that name."""
        others = (item for item in self.item["assets"].values() if item.get("href") != self.href)
        mine = fold(self.plain)
        return all(fold(plain_name(item)) != mine for item in others)

    def name(self, level: int) -> PurePosixPath:
        """Return a name, relative to the folder; each level is longer, and more the file's own."""
        if level == 0:
            return PurePosixPath(self.plain)
        if level <= 2:
            product = _folder_name(self.product)
            key = (_folder_name(self.key or "file"),) if level == 2 else ()
            return PurePosixPath(product, *key, self.plain)
        return PurePosixPath(_digest(self.href, str(level))[:32], self.plain)

    def owns(self, level: int) -> bool:
        """Tell whether nothing but this file, or another version of it, would be called so."""
        if level > 1:
            return True
        if level == 1:
            return self.alone
        known = {fold(_clean(str(item))) for item in (self.product, self.item["id"])}
        name = fold(self.plain)
        return self.alone and any(
            item and name.startswith(item) and not name[len(item) :][:1].isalnum() for item in known
        )

    @cached_property
    def origin(self) -> Json:
        """What is noted on the file: the address, and the asset with the address but for a signature."""
        told = (self.item.get("collection"), self.item["id"], self.key)
        place = _digest(*map(str, told), self.href.partition("?")[0])
        return {"href": _digest(self.href), "place": place}

    def is_noted(self, note: Mapping[str, Any]) -> bool:
        """Tell whether a note means this file."""
        return any(note.get(name) == value for name, value in self.origin.items())


def product_of(item: Json) -> str:
    """Return the name of a product."""
    return str(item.get("properties", {}).get("identifier") or item["id"])


def plain_name(asset: Json) -> str:
    """Return the name of an asset's file: its title where that is one, or the end of its address.

    Examples
    --------
    >>> plain_name({"title": "../B02.tif", "href": "https://a.example/1"})
    'B02.tif'
    >>> plain_name({"title": "Blue band", "href": "https://a.example/R10m/B02.jp2?sig=1"})
    'B02.jp2'
    """
    title, href = str(asset.get("title") or ""), str(asset["href"]).partition("?")[0]
    told = (title, href) if "." in title and " " not in title else (href, title)
    return _fitting(next(filter(None, map(_clean, told)), "") or "file")


def assign(
    files: Iterable[File], held: Mapping[str, int], levels: Mapping[str, set[int]]
) -> list[int]:
    """Choose a name for each of several files, so that none shares its place with another.

    Parameters
    ----------
    files
        With addresses that all differ.
    held
        Levels of those that are there already, by address: they keep their names, which must not
        clash.
    levels
        By address, those that are not free on the disk.

    Returns
    -------
    list of int
        Levels, in the order of the files.

    Notes
    -----
    All that clash go up by a level, whatever their order, until none does. Two files whose levels are
    three or more never clash with each other but by a name that is a digest of the other's address,
    and the next level has another digest: this comes to an end.
    """
    known = list(files)
    chosen = [held.get(file.href, 0) for file in known]
    for index, file in enumerate(known):
        if file.href not in held:
            chosen[index] = next(at for at in count() if at not in levels.get(file.href, ()))
    while moved := [
        index
        for index in _clashing([file.name(at) for file, at in zip(known, chosen, strict=True)])
        if known[index].href not in held
    ]:
        for index in moved:
            chosen[index] = next(
                at for at in count(chosen[index] + 1) if at not in levels.get(known[index].href, ())
            )
    return chosen


def places(name: PurePosixPath) -> tuple[list[str], list[str]]:
    """Return what a file needs for itself, unfinished too, and the folders it lies in; folded."""
    parts = [fold(part) for part in name.parts]
    part = "/".join([*parts[:-1], fold(name.name + PART)])
    return ["/".join(parts), part], ["/".join(parts[:end]) for end in range(1, len(parts))]


class Taken:
    """Places that are in use."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def take(self, name: PurePosixPath) -> bool:
        """Take a place; tell whether it was free, else nothing is changed."""
        own, folders = places(name)
        if not self._files.isdisjoint([*own, *folders]) or not self._folders.isdisjoint(own):
            return False
        self._files.update(own)
        self._folders.update(folders)
        return True


def _clashing(names: Sequence[PurePosixPath]) -> set[int]:
    """Return the indices of names that share a place with another, as files or as a file's folder."""
    needed = [places(name) for name in names]
    users: dict[str, set[int]] = {}
    for index, (own, _) in enumerate(needed):
        for item in set(own):
            users.setdefault(item, set()).add(index)
    result = {index for who in users.values() if len(who) > 1 for index in who}
    for index, (_, folders) in enumerate(needed):
        for item in folders:
            if item in users:
                result |= users[item] | {index}
    return result


def fold(name: str) -> str:
    """Return what names have in common that are one name on some file system.

    Letters of either case and of any normal form, and ends that shares of Windows cut off.

    Examples
    --------
    >>> fold("B02.TIF") == fold("b02.tif"), fold("\u00e9") == fold("e\u0301")
    (True, True)
    """
    text = unicodedata.normalize("NFD", name).casefold()
    return unicodedata.normalize("NFD", text).rstrip(". ") or name


def _clean(text: str) -> str:
    """Return what is left of a text as a file name, if anything."""
    try:
        return file_name(text)
    except DataError:
        return ""


def _folder_name(text: str) -> str:
    return _fitting(_clean(text) or _digest(text)[:16])


def _fitting(name: str) -> str:
    """Return a name that is none of an unfinished file, and that file systems take with `PART` too.

    What is shortened is kept apart from others that begin alike.
    """
    most = LONGEST - len(PART)
    if fold(name).endswith(PART):
        name += "_"
    if len(name.encode()) <= most:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix.encode()) > 20:
        stem, dot, suffix = name, "", ""
    end = "~" + _digest(name)[:12] + dot + suffix
    return stem.encode()[: most - len(end.encode())].decode(errors="ignore") + end


def _digest(*texts: str) -> str:
    told = "\0".join(texts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(told).hexdigest()


def inside(path: Path, folder: Path) -> bool:
    """Tell whether a path is in a folder still when all links are followed."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        return False

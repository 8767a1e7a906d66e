"""The folder of downloads that `load` was given: what is found there, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from geodes_datalab._types import Json
from geodes_datalab.stac.downloads.naming import File, fold, inside, plain_name
from geodes_datalab.stac.downloads.standing import kept


class Shelf:
    """A folder of downloads.

    Parameters
    ----------
    folder
        The folder.
    items
        The items whose files are looked for.
    """

    def __init__(self, folder: Path, items: Sequence[Json] = ()) -> None:
        self.folder = folder
        """Where it is."""
        self._items = items
        self.found: dict[str, str] = {}
        """Names of files that are read from there, by address."""
        self.missing: dict[str, str] = {}
        """Names of those that are not there."""
        self.other: dict[str, str] = {}
        """Names of those that are there, but of another size than the catalogue tells."""

    def find(self, asset: Json) -> Path | None:
        """Return the path of a file that `geodes_datalab.download` left here, if it did."""
        href = str(asset["href"])
        other = False
        for item in self._owners.get(href) or [_lone(asset)]:
            shared = self._shared.get(fold(plain_name(asset)), 0) > 1
            path, size = kept(File(item, asset), self.folder, shared=shared)
            other |= size
            if path is not None:
                self.found[href] = path.name
                return path
        (self.other if other else self.missing)[href] = plain_name(asset)
        return None

    def note(self, asset: Json, path: Path) -> None:
        """Note a file that is on this machine: by its address, in this folder or not."""
        known = self.found if inside(path, self.folder) else self.missing
        known[str(asset["href"])] = path.name

    @cached_property
    def _owners(self) -> dict[str, list[Json]]:
        """The items of each address."""
        owners: dict[str, list[Json]] = {}
        for item in self._items:
            for href in {str(asset["href"]) for asset in item["assets"].values()}:
                owners.setdefault(href, []).append(item)
        return owners

    @cached_property
    def _shared(self) -> dict[str, int]:
        """Of how many addresses the file would have each plain name."""
        files = {
            str(entry["href"]): entry for item in self._items for entry in item["assets"].values()
        }
        names: dict[str, int] = {}
        for asset in files.values():
            name = fold(plain_name(asset))
            names[name] = names.get(name, 0) + 1
        return names


def _lone(asset: Json) -> Json:
    """Return an item of one file, for one of which nothing else is known."""
    return {"id": plain_name(asset), "properties": {}, "assets": {"data": asset}}

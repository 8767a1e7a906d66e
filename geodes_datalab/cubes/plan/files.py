"""Which file holds each band of a product."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from geodes_datalab import stac
from geodes_datalab._types import Json
from geodes_datalab.cubes.parse.products import Parsed, reader_of
from geodes_datalab.cubes.plan.changed import changed
from geodes_datalab.cubes.plan.locate import Finder, Locator, MissingMember
from geodes_datalab.cubes.read.pixels import Source

Sources = Mapping[str, Source]
"""Files of a product by band."""


class Files(Mapping[str, Source]):
    """The files of a product by band, each told when it is asked for: thousands are planned at once."""

    __slots__ = ("_first", "_names", "_one", "_paths", "_sizes")

    def __init__(
        self,
        one: tuple[str, Mapping[str, stac.Band]],
        names: tuple[str, ...],
        paths: Sequence[str],
        sizes: Sequence[int | None],
        first: int,
    ) -> None:
        self._one, self._names = one, names
        self._paths, self._sizes, self._first = paths, sizes, first

    def __getitem__(self, name: str) -> Source:
        if name not in self._names:
            raise KeyError(name)
        title, bands = self._one
        place = self._first + self._names.index(name)
        band = bands[name]
        return Source(title, band.name, self._paths[place], self._sizes[place], band.number)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def at_hand(parsed: Sequence[Parsed], locator: Locator) -> list[Sources] | None:
    """Find the files of all bands where that takes no look at any of them; None where it does.

    Parameters
    ----------
    parsed
        Products.
    locator
        Finds files.
    """
    if not isinstance(locator, Finder) or any(item.container == "zip" for item in parsed):
        return None
    held = [_assets(item) for item in parsed]
    flat = [asset for assets in held for asset in assets.values()]
    paths = locator.at_hand(flat)
    if paths is None:
        return None
    sizes = list(map(_size, flat))
    result: list[Sources] = []
    first = 0
    for item, assets in zip(parsed, held, strict=True):
        result.append(Files((item.title, item.bands), tuple(assets), paths, sizes, first))
        first += len(assets)
    return result


def sources_of(one: Parsed, locator: Locator) -> Sources:
    """Find the file of each band; a product may lack some.

    Parameters
    ----------
    one
        A product.
    locator
        Finds files.
    """
    result = {}
    for name, asset in _assets(one).items():
        band = one.bands[name]
        try:
            path = locator.locate(asset, band.member)
        except MissingMember:
            continue
        result[name] = Source(one.title, band.name, path, _size(asset), band.number)
    return result


def refuse_other_files(
    parsed: Sequence[Parsed], sources: Sequence[Sources], locator: Locator
) -> None:
    """Refuse products of which the archive holds no file that their description knows.

    Raises
    ------
    FormatChanged
        Such is the first of them, and no other holds any of the bands either.
    """
    if any(sources) or parsed[0].container != "zip" or not isinstance(locator, Finder):
        return
    one = parsed[0]
    names = locator.members(stac.data_asset(one.item)[1]) or ()
    known = reader_of([one.item]).for_item(one.item).bands
    if not any(band.matches(name) for name in names for band in known):
        wanted = [band.member for band in one.bands.values()]
        raise changed(one.title, f"has no file {' or '.join(wanted[:3])}", names, wanted)


def _size(asset: Json) -> int | None:
    size = asset.get("file:size")
    return int(size) if size else None


def _assets(one: Parsed) -> dict[str, Json]:
    """Return the asset that holds each band: the archive, or the file whose name fits."""
    if one.container == "zip":
        return dict.fromkeys(one.bands, stac.data_asset(one.item)[1])
    assets: Mapping[str, Json] = one.item["assets"]
    if one.container == "asset":
        return {name: asset for name, band in one.bands.items() if (asset := assets.get(band.key))}
    names = {str(asset.get("title") or key): asset for key, asset in assets.items()}
    result = {}
    for name, band in one.bands.items():
        fitting = (asset for title, asset in names.items() if band.matches(title))
        if asset := next(fitting, None):
            result[name] = asset
    return result

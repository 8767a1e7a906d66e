"""`Items`: what a search found, as a sequence that is quick to make and knows how to show itself."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import geodes_datalab
from geodes_datalab._display import size
from geodes_datalab._inputs.times import DatetimeLike, interval
from geodes_datalab._inputs.words import WordsLike, words
from geodes_datalab._types import BBox, Json
from geodes_datalab.errors import DataError, InvalidQuery, NoSuchItem
from geodes_datalab.stac.items.assets import data_asset
from geodes_datalab.stac.items.versions import superseded
from geodes_datalab.stac.items.wellformed import MISREAD
from geodes_datalab.stac.query.canonical import Query, cloud_range
from geodes_datalab.stac.query.conditions import Clause, QueryLike, conditions
from geodes_datalab.stac.query.matching import during, matches, refuse_absent

if TYPE_CHECKING:
    import geopandas
    import pystac

    from geodes_datalab.stac.items.item import Item


class Items(Sequence["Item"]):
    """Items of a catalogue, in order.

    Parameters
    ----------
    dicts
        Normalised items (see `geodes_datalab.stac.items.normalise`).
    matched
        How many items the catalogue has for the search; the number here where not given.
    query
        The search that found them.
    available
        What `availability` told: item id to True (online) or False (on tape).
    report
        What each catalogue answered, where several were asked.

    Examples
    --------
    >>> items = Items([])
    >>> len(items), items.matched, items
    (0, 0, Items(0 of 0))
    """

    def __init__(
        self,
        dicts: Iterable[Json] = (),
        *,
        matched: int | None = None,
        query: Query | None = None,
        available: dict[str, bool] | None = None,
        report: Any = None,
    ) -> None:
        self.dicts: list[Json] = list(dicts)
        """The items as dictionaries; shared, so not to be changed."""
        self.matched = len(self.dicts) if matched is None else matched
        """How many items the catalogue has for the search."""
        self.query = query
        """The search that found them, if any."""
        self.available: dict[str, bool] = dict(available or {})
        """What `availability` told so far: item id to True (online) or False (on tape)."""
        self.report = report
        """What each catalogue answered, where several were asked (`geodes_datalab.search` with ``sources``)."""
        self._built: dict[int, Item] = {}

    def __len__(self) -> int:
        """Return the number of items here."""
        return len(self.dicts)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> Items: ...
    def __getitem__(self, index: int | slice) -> Item | Items:
        """Return one item as ``pystac.Item`` that can be read, or a slice as `Items`."""
        if isinstance(index, slice):
            return self._with(self.dicts[index])
        try:
            position = range(len(self.dicts))[index]
        except IndexError as error:
            raise _beyond(self, index) from error
        if position not in self._built:
            self._built[position] = _built(self.dicts[position])
        return self._built[position]

    def __iter__(self) -> Iterator[Item]:
        """Iterate over ``pystac.Item``; iterate over ``items.dicts`` for speed."""
        return (self[position] for position in range(len(self.dicts)))

    def __add__(self, other: Items) -> Items:
        """Return both, each item once."""
        unique = {item["id"]: item for item in (*self.dicts, *other.dicts)}
        return Items(unique.values(), available={**self.available, **other.available})

    def __eq__(self, other: object) -> bool:
        """Compare the items, not the search that found them."""
        return isinstance(other, Items) and self.dicts == other.dicts

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Say how many there are, of what, and from when."""
        text = f"Items({len(self)} of {self.matched}"
        if self.dicts:
            names = sorted({str(item.get("collection", "?")) for item in self.dicts})
            text += f", {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}, {_days(self.dicts)}, {size(self.nbytes)}"
        text += ")"
        return f"{text}\n{self.report!r}" if self.report is not None else text

    def _repr_html_(self) -> str:
        from geodes_datalab.stac.items.show import items_html

        told = "" if self.report is None else self.report._repr_html_()
        return items_html(self) + told

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as compressed JSON, without the pystac items: a tenth of the size."""
        packed = zlib.compress(json.dumps(self.dicts, separators=(",", ":")).encode(), 1)
        return _unpacked, (packed, self.matched, self.query, self.available)

    @property
    def ids(self) -> list[str]:
        """Ids of the items."""
        return [str(item["id"]) for item in self.dicts]

    @property
    def bbox(self) -> BBox | None:
        """Box around all footprints, degrees; None where there is none."""
        boxes = [item["bbox"] for item in self.dicts if item.get("bbox")]
        if not boxes:
            return None
        return (
            min(box[0] for box in boxes),
            min(box[1] for box in boxes),
            max(box[-2 if len(box) == 4 else 3] for box in boxes),
            max(box[-1 if len(box) == 4 else 4] for box in boxes),
        )

    @property
    def nbytes(self) -> int:
        """Bytes of all data files, as far as the catalogue tells."""
        return sum(_size(item) or 0 for item in self.dicts)

    def filter(
        self,
        test: Callable[[Json], bool] | None = None,
        *,
        collection: WordsLike | None = None,
        tile: str | list[str] | None = None,
        platform: str | list[str] | None = None,
        cloud_cover: float | tuple[float, float] | None = None,
        datetime: DatetimeLike | None = None,
        query: QueryLike | None = None,
    ) -> Items:
        """Return the items that fulfil all conditions.

        Parameters
        ----------
        test
            Called with the item as a dictionary.
        collection
            Collection id, or several.
        tile
            ``"31TCH"`` (or ``T31TCH``, ``MGRS-31TCH``), or several.
        platform
            ``"sentinel-2a"`` or ``"S2A"``, or several.
        cloud_cover
            Highest percentage, or ``(low, high)``; items without cloud cover fall out.
        datetime
            Time of acquisition, written as in `search`.
        query
            Conditions on any property, written as in `search`.

        Returns
        -------
        Items
            In the same order; ``matched`` is their number.

        Raises
        ------
        UnknownProperty
            None of the items has the property.
        InvalidQuery
            A condition that cannot mean what was typed, or that is given twice.
        """
        wishes: dict[str, Any] = dict(query or {})
        shade = cloud_range(cloud_cover, query)
        told = {"tile": ("grid:code", tile), "platform": ("platform", platform)}
        for argument, (name, value) in told.items():
            if value is not None and name in wishes:
                raise InvalidQuery(
                    f'"{name}" is given twice: {argument}= and query["{name}"]', "keep one"
                )
        wishes |= {name: value for name, value in told.values() if value is not None}
        if shade is not None:
            wishes["eo:cloud_cover"] = shade
        clauses = conditions(wishes, None)
        refuse_absent(clauses, self.dicts)
        names = words(collection, "collection")
        kept = [item for item in self.dicts if _fulfils(item, clauses, names)]
        span = interval(datetime)
        if span:
            kept = [item for item in kept if during(item["properties"], span)]
        return self._with(item for item in kept if test is None or test(item))

    @property
    def older(self) -> dict[str, str]:
        """Ids of items that were processed again, each to the id of the newest version here."""
        result = superseded(self.dicts)
        return {
            str(self.dicts[item]["id"]): str(self.dicts[new]["id"]) for item, new in result.items()
        }

    def newest(self) -> Items:
        """Return the items without older versions of others: what `geodes_datalab.load` loads."""
        left_out = superseded(self.dicts)
        return self._with(item for place, item in enumerate(self.dicts) if place not in left_out)

    def online(self) -> Items:
        """Return the items that can be loaded or downloaded now: the archive is asked (`availability`).

        Raises
        ------
        ServiceError
            The archive cannot be asked.
        """
        there = geodes_datalab.stac.availability(self)
        return self._with(item for item in self.dicts if there[str(item["id"])])

    def to_pystac(self) -> pystac.ItemCollection:
        """Return a ``pystac.ItemCollection``."""
        import pystac

        return pystac.ItemCollection(list(self))

    def to_geodataframe(self) -> geopandas.GeoDataFrame:
        """Return a table: one row per item, properties as columns, footprints in EPSG:4326.

        Filter and sort it as you like, and give what is left to `load`, `download` or `explore`; the
        column ``assets`` holds the files.

        Raises
        ------
        MissingDependency
            Geopandas is not installed (extra ``tables``).
        """
        from geodes_datalab.stac.items.tables import to_geodataframe

        return to_geodataframe(self.dicts)

    def to_parquet(self, path: str | PathLike[str]) -> Path:
        """Write a stac-geoparquet file, whole or not at all.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        MissingDependency, StorageError, DataError
        """
        from geodes_datalab.stac.items.tables import write_parquet

        return write_parquet(self.dicts, Path(path))

    @classmethod
    def from_parquet(cls, path: str | PathLike[str]) -> Items:
        """Read what `to_parquet` wrote, or any other stac-geoparquet file.

        Raises
        ------
        MissingDependency, DataError
        """
        from geodes_datalab.stac.items.tables import read_parquet

        return cls(read_parquet(Path(path)))

    def _with(self, dicts: Iterable[Json]) -> Items:
        return Items(dicts, query=self.query, available=self.available, report=self.report)


def _beyond(items: Items, index: int) -> NoSuchItem:
    if not items.dicts:
        hint = "widen the search: look at items.query, the dates, the area, the cloud cover"
        return NoSuchItem("there are no items", hint)
    return NoSuchItem(
        f"there is no item {index}: there are {len(items)}", f"count from 0 to {len(items) - 1}"
    )


def _built(item: Json) -> Item:
    from pystac import STACError

    from geodes_datalab.stac.items.item import Item

    try:
        return Item.from_dict(item, migrate=False)
    except (STACError, *MISREAD) as error:
        raise DataError(
            f"pystac makes no item of {item.get('id')!r}: {error}",
            "take it as a dictionary, of items.dicts: load and download do so",
        ) from error


def _unpacked(
    packed: bytes, matched: int, query: Query | None, available: dict[str, bool]
) -> Items:
    return Items(
        json.loads(zlib.decompress(packed)), matched=matched, query=query, available=available
    )


def _fulfils(item: Json, clauses: tuple[Clause, ...], names: tuple[str, ...] | None) -> bool:
    if names is not None and item.get("collection") not in names:
        return False
    return all(matches(item["properties"], clause) for clause in clauses)


def _size(item: Json) -> int | None:
    try:
        result: int | None = data_asset(item)[1].get("file:size")
    except DataError:
        return None
    return result


def _days(dicts: list[Json]) -> str:
    days = sorted(str(item["properties"].get("datetime") or "")[:10] for item in dicts)
    return days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"

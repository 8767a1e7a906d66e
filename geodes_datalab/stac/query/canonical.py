"""What is searched: one frozen object, checked in full before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import index
from typing import Any, NamedTuple

from geodes_datalab._inputs.areas import bounding_box, geometry, refuse_both
from geodes_datalab._inputs.shapes import PlaceLike
from geodes_datalab._inputs.times import DatetimeLike, Interval, interval
from geodes_datalab._inputs.words import WordsLike, words
from geodes_datalab._language import plain
from geodes_datalab._types import BBox, Json
from geodes_datalab.errors import InvalidQuery, UnknownProperty, near
from geodes_datalab.stac.query.conditions import (
    ELSEWHERE,
    Attributes,
    Clause,
    QueryLike,
    conditions,
)

PAGE_SIZE = 80
"""Items per page: what the portal's documentation allows."""


class SortKey(NamedTuple):
    """One property to sort by."""

    name: str
    ascending: bool = True


class _Default(str):
    """The order that a search has where nobody asked for one; it reads like any other."""

    __slots__ = ()


BY_START = _Default("start_datetime")
"""By time of acquisition: the default, told from the same order when asked for."""

TIE_BREAK = SortKey("identifier")
"""Last key of every search: without it, pages overlap and items get lost."""


@dataclass(frozen=True)
class Query:
    """A search, in canonical form; make it with `Query.of`."""

    collections: tuple[str, ...] = ()
    """Collection ids; none means all."""
    bbox: BBox | None = None
    """West, south, east, north in degrees (west > east: across the antimeridian)."""
    geometry: Json | None = field(default=None, hash=False)
    """GeoJSON Polygon or MultiPolygon; given, it stands for the box as well."""
    acquired: Interval | None = None
    """Time of acquisition."""
    published: Interval | None = None
    """Time of publication in the catalogue."""
    ids: tuple[str, ...] = ()
    """Item ids or product names."""
    cloud_cover: tuple[float, float] | None = None
    """Lowest and highest cloud cover, percent."""
    clauses: tuple[Clause, ...] = ()
    """Conditions on properties, all of which must hold."""
    sort: tuple[SortKey, ...] = (SortKey("start_datetime"), TIE_BREAK)
    """Order; the last key is unique."""
    order_is_told: bool = False
    """Whether the order was asked for; else it is the default, or none."""
    limit: int | None = None
    """Most items to return; ``None`` for all."""
    page_size: int = PAGE_SIZE
    """Items per request."""

    @classmethod
    def of(
        cls,
        collections: WordsLike | None = None,
        *,
        # where
        bbox: PlaceLike | None = None,
        geometry: PlaceLike | None = None,
        # when
        datetime: DatetimeLike | None = None,
        published: DatetimeLike | None = None,
        # what
        ids: WordsLike | None = None,
        cloud_cover: float | tuple[float, float] | None = None,
        query: QueryLike | None = None,
        # how much, in which order
        sort: WordsLike | None = BY_START,
        limit: int | None = None,
        page_size: int = PAGE_SIZE,
        # of which catalogue
        attributes: Attributes | None = None,
    ) -> Query:
        """Read and check every part of a search; see `geodes_datalab.search` for the parameters.

        Raises
        ------
        InvalidQuery, UnknownProperty

        Examples
        --------
        >>> Query.of("PEPS_S2_L1C", datetime="2024-05", cloud_cover=20).cloud_cover
        (0.0, 20.0)
        """
        box, shape = _area(bbox, geometry)
        return cls(
            collections=words(collections, "collections") or (),
            bbox=box,
            geometry=shape,
            acquired=interval(datetime),
            published=interval(published),
            ids=words(ids, "ids") or (),
            cloud_cover=cloud_range(cloud_cover, query),
            clauses=conditions(query, attributes),
            sort=_order(sort, attributes),
            order_is_told=sort is not None and not isinstance(sort, _Default),
            limit=_positive(limit, "limit"),
            page_size=_positive(page_size, "page_size") or PAGE_SIZE,
        )

    def describe(self) -> str:
        """Say in one line what is searched."""
        return in_words(self, plain)


def in_words(query: Query, gettext: Callable[..., str]) -> str:
    """Say in one line what is searched, in the language of `geodes_datalab._language.gettext` or ``plain``."""
    parts = [", ".join(query.collections) or gettext("all collections")]
    if query.bbox:
        sides = ", ".join(f"{round(side, 3) + 0.0:g}" for side in query.bbox)
        parts.append(gettext("in {box}", box=f"({sides})"))
    elif query.geometry:
        parts.append(gettext("in a {shape}", shape=query.geometry["type"]))
    if query.acquired:
        parts.append(gettext("acquired {dates}", dates=query.acquired.spoken))
    if query.published:
        parts.append(gettext("published {dates}", dates=query.published.spoken))
    if query.cloud_cover:
        low, high = (f"{value:g}" for value in query.cloud_cover)
        parts.append(gettext("cloud cover {low} to {high} %", low=low, high=high))
    parts += [f"{clause.name} {clause.operator} {clause.value!r}" for clause in query.clauses]
    if query.ids:
        parts.append(gettext("{count} ids", count=len(query.ids)))
    return ", ".join(parts)


def _area(bbox: PlaceLike | None, shape: PlaceLike | None) -> tuple[BBox | None, Json | None]:
    refuse_both(bbox, shape)
    if bbox is not None:
        return bounding_box(bbox)
    return None, geometry(shape) if shape is not None else None


def cloud_range(value: Any, query: QueryLike | None) -> tuple[float, float] | None:
    """Read ``cloud_cover=``: the highest percentage, or the lowest and the highest.

    Raises
    ------
    InvalidQuery
        No percentage, or one that the conditions tell too.
    """
    if value is None:
        return None
    if query and "eo:cloud_cover" in query:
        raise InvalidQuery(
            'cloud cover is given twice: cloud_cover= and query["eo:cloud_cover"]', "keep one"
        )
    try:
        low, high = _range(value)
    except (TypeError, ValueError) as error:
        raise InvalidQuery(
            f"cloud_cover={value!r} is no percentage", "write 20, or (0, 20)"
        ) from error
    if not 0 <= low <= high <= 100:
        raise InvalidQuery(
            f"cloud cover runs from 0 to 100 %, not {low:g} to {high:g}", "write 20, or (0, 20)"
        )
    return low, high


def _range(value: Any) -> tuple[float, float]:
    """Return lowest and highest percentage; None in a pair is an open end."""
    pair = hasattr(value, "__iter__") and not isinstance(value, str)
    ends = list(value) if pair else [0, value]
    low, high = (
        default if end is None else end for end, default in zip(ends, (0, 100), strict=True)
    )
    if "bool" in type(low).__name__ + type(high).__name__ or ends == [None, None]:
        raise TypeError(value)
    return float(low), float(high)


def _order(value: WordsLike | None, attributes: Attributes | None) -> tuple[SortKey, ...]:
    texts = words(value, "sort", none=True) or ()
    keys = [SortKey(text.lstrip("+-").strip(), not text.startswith("-")) for text in texts]
    keys = [
        SortKey(
            {"datetime": "start_datetime", "title": "identifier", "id": "identifier"}.get(
                name, name
            ),
            up,
        )
        for name, up in keys
    ]
    known = [*(name for name in attributes or () if name not in ELSEWHERE), "published"]
    for key in keys:
        if attributes is not None and key.name not in known:
            hint = (
                near(key.name, known)
                or 'sort by e.g. "start_datetime", or "-eo:cloud_cover" downwards'
            )
            raise UnknownProperty(f'the catalogue cannot sort by "{key.name}"', hint)
    if TIE_BREAK.name not in (key.name for key in keys):
        keys.append(TIE_BREAK)
    return tuple(keys)


def _positive(value: int | None, name: str) -> int | None:
    if value is None:
        return None
    try:
        number = 0 if isinstance(value, bool) else index(value)
    except TypeError:
        number = 0
    if number < 1:
        raise InvalidQuery(
            f"{name}={value!r} must be a whole number from 1", f"leave {name} out for the default"
        )
    return number

"""The verb `search`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from geodes_datalab._display import progress as progress_bar
from geodes_datalab._http import Client
from geodes_datalab._inputs.areas import overlaps
from geodes_datalab._inputs.shapes import PlaceLike
from geodes_datalab._inputs.times import DatetimeLike
from geodes_datalab._inputs.words import WordsLike, words
from geodes_datalab._language import gettext
from geodes_datalab._types import BBox, Json
from geodes_datalab.config import Config
from geodes_datalab.errors import IncompleteResult, InvalidQuery, ServerQuirk
from geodes_datalab.stac.dialects import Dialect, Found, dialect_of
from geodes_datalab.stac.items.normalise import normalise
from geodes_datalab.stac.items.sequence import Items
from geodes_datalab.stac.items.wellformed import tell
from geodes_datalab.stac.query.canonical import BY_START, PAGE_SIZE, Query
from geodes_datalab.stac.query.conditions import QueryLike
from geodes_datalab.stac.query.order import in_order, refuse_other_items
from geodes_datalab.stac.settings import settings_of
from geodes_datalab.stac.shipped import RENAMED, unknown

if TYPE_CHECKING:
    from geodes_datalab.stac.federation.sources import Source

FLOOD = 100_000
"""Most items that come without being asked for by ``limit``: more is a mistake, or needs thought."""


def search(
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
    # how much, in which order, from where
    sort: WordsLike | None = BY_START,
    limit: int | None = None,
    page_size: int = PAGE_SIZE,
    catalogue: str | PathLike[str] | Config | Source | None = None,
    sources: Sequence[str | Source] | None = None,
    strict: bool = False,
    progress: bool | None = None,
) -> Items:
    """Search the catalogue, or several side by side.

    Parameters
    ----------
    collections
        Ids, one or several; all collections where not given. An empty list is refused: it would find
        nothing. See `geodes_datalab.collections`.
    bbox
        ``(west, south, east, north)`` in degrees, six numbers with heights, or any form of
        ``geometry``, whose box is meant; west > east means across the antimeridian.
    geometry
        GeoJSON (dictionary, text or file), WKT, shapely, geopandas, or anything with
        ``__geo_interface__``, in place of ``bbox``; in degrees, unless it has a CRS of its own. Points
        and lines are widened by 50 m, since the portal finds by polygons only.
    datetime
        Time of **acquisition**: ``"2024"``, ``"2024-05"``, ``"2024-05-03"``, ``"2024-05-03T14:20"``
        (that minute), ``"2024-01-15/2024-03"``, ``"../2020"``, dates, datetimes, numpy's and pandas's, a
        pair or a slice of them. Objects at midnight are whole days, unless the other end has a time of
        day. Naive is UTC; ``NaT`` is refused.
    published
        Time of publication in the catalogue, written likewise.
    ids
        Item ids (``URN:...``) or product names; an empty list is refused.
    cloud_cover
        Highest percentage, or ``(low, high)``.
    query
        Conditions on properties: ``{"platform": "S2A", "sat:relative_orbit": [8, 51],
        "area": (1000, None), "grid:code": "31TCH", "processing:version": {"gte": "05.00"}}``: a
        value, a list of values, a range, or operators. Unknown names are refused.
    sort
        Properties to sort by, with ``-`` in front downwards; ``identifier`` breaks ties. What a catalogue
        that cannot sort sends is sorted here, and refused together with a ``limit`` that leaves items out.
    limit
        Most items to return.
    page_size
        Items per request.
    catalogue
        By default as configured; ``"geodes"``, the address of any STAC API or of an OpenSearch description
        (``.../description.xml``, ``.../osdd``), one of `geodes_datalab.stac.sources`, a folder in which results
        were published (`geodes_datalab.publish`) or its ``catalog.json``, or a `Config`.
    sources
        Several catalogues, the preferred one first: ``["geodes", "cdse", "earth-search"]``, or addresses of STAC
        APIs and OpenSearch descriptions; `geodes_datalab.stac.sources` lists those that are known. Collections then have names that all share
        (``"sentinel-2-l2a"``), or ``"source:collection"``. Each product comes once, with its copies; what each
        catalogue answered is in ``items.report``.
    strict
        With ``sources``: whether it is an error if one of them does not answer. By default a warning tells it,
        and it is an error only where none answers.
    progress
        Whether to show a progress bar; by default in notebooks and terminals.

    Returns
    -------
    Items
        Sequence of STAC items, a table in notebooks.

    Raises
    ------
    InvalidQuery, UnknownCollection, UnknownProperty
        Nothing was searched.
    AuthenticationError, RequestError, ServiceError
        The catalogue did not answer as it should.

    Warns
    -----
    IncompleteResult
        Other items came than the catalogue announced; the text says what is missing.
    ServerQuirk
        The catalogue sent items from elsewhere, or parts of items that cannot be read, which were left
        out; or it cannot sort, and with a ``limit`` came other ones than the earliest.
    """
    if sources is not None:
        told = Query.of(
            None, bbox=bbox, geometry=geometry, datetime=datetime, published=published, ids=ids,
            cloud_cover=cloud_cover, query=query, sort=sort, limit=limit, page_size=page_size,
        )  # fmt: skip
        return _together(collections, catalogue, sources, told, strict=strict)
    with Client(settings_of(catalogue)) as client:
        dialect = dialect_of(client)
        wanted = Query.of(
            collections, bbox=bbox, geometry=geometry, datetime=datetime, published=published, ids=ids,
            cloud_cover=cloud_cover, query=query, sort=sort, limit=limit, page_size=page_size,
            attributes=dialect.attributes(),
        )  # fmt: skip
        refuse_unknown(wanted.collections, dialect)
        result = dialect.search(wanted)
        _refuse_flood(result, wanted)
        if not result.sorted:
            refuse_other_items(wanted, result.matched)
        received = _collected(result, wanted, progress)
        if not result.sorted:
            received = _sorted(received, result, wanted)
    return _checked(received, result.matched, wanted)


def _together(
    collections: WordsLike | None,
    catalogue: Any,
    sources: Sequence[str | Source],
    query: Query,
    *,
    strict: bool,
) -> Items:
    """Ask several catalogues side by side."""
    from geodes_datalab.stac.federation.federate import federated

    if catalogue is not None:
        raise InvalidQuery("catalogue= and sources= are given", "keep one of them")
    names = words(collections, "collections")
    if not names:
        raise InvalidQuery(
            "several catalogues are asked for no collection",
            'name one that they share, such as "sentinel-2-l2a": geodes_datalab.stac.sources() lists them',
        )
    return federated(
        names, [sources] if isinstance(sources, str) else sources, query, strict=strict
    )


def refuse_unknown(names: tuple[str, ...], dialect: Dialect) -> None:
    """Refuse ids that neither the shipped list nor the catalogue has: it would answer HTTP 400, or all."""
    unsure = [name for name in names if not dialect.knows(name)]
    if not unsure:
        return
    if unsure[0] in RENAMED:
        raise unknown(unsure[0], ())
    known = {
        str(item["id"]) for item in dialect.collections() if isinstance(item, dict) and "id" in item
    }
    for name in unsure:
        if name not in known:
            raise unknown(name, known)


def _refuse_flood(found: Found, query: Query) -> None:
    if query.limit is None and found.matched is not None and found.matched > FLOOD:
        raise InvalidQuery(
            f"{found.matched:,} items match ({query.describe()})",
            "narrow the search by area, dates or collection, or set limit= to take the first ones",
        )


def _collected(found: Found, query: Query, progress: bool | None) -> list[Json]:
    """Take page after page; each is put right while the next ones are on their way."""
    total = query.limit
    if found.matched is not None:
        total = min(found.matched, query.limit or found.matched)
    received: list[Json] = []
    shared: dict[str, Any] = {}
    doubts: list[str] = []
    with progress_bar(
        total=total, label=gettext("searching"), unit="items", enabled=progress
    ) as bar:
        for page in found.pages:
            received += [normalise(item, shared, None, doubts) for item in page]
            bar.update(len(page))
            if query.limit is not None and len(received) >= query.limit:
                break
    tell(doubts, stacklevel=3)
    return received


def _sorted(received: list[Json], found: Found, query: Query) -> list[Json]:
    """Sort what a catalogue sent unsorted; see whether there is more than the limit, where it does not tell."""
    if found.matched is None and query.limit is not None:
        more = len(received) >= query.limit and bool(next(found.pages, ()))
        refuse_other_items(query, len(received) + more)
    return in_order(received[: query.limit], query.sort)


def _checked(received: list[Json], matched: int | None, query: Query) -> Items:
    """Check what came: every item once, all that were announced, where they should be."""
    unique = list({item["id"]: item for item in reversed(received)}.values())[::-1]
    complete = len(unique) if matched is None else matched
    expected = min(complete, query.limit or complete)
    if len(unique) < expected or (query.limit is None and len(unique) > expected):
        text = _difference(expected, len(unique), len(received))
        warnings.warn(text, IncompleteResult, stacklevel=3)
    inside = [item for item in unique if _lies_in(item, query)]
    if len(inside) < len(unique):
        outside = len(unique) - len(inside)
        text = f"the catalogue sent {outside} items from outside the area; they were left out"
        warnings.warn(text, ServerQuirk, stacklevel=3)
        complete = len(inside)
    items = Items(inside[: query.limit], matched=complete, query=query)
    _tell_missing_ids(items, query)
    return items


def _difference(announced: int, came: int, received: int) -> str:
    twice = f", {received - came} of them more than once" if received > came else ""
    what = (
        f"{announced - came} are missing"
        if came < announced
        else f"{came - announced} are too many"
    )
    return (
        f"the catalogue announced {announced} items and sent {came}{twice}: {what}. "
        "It may have changed meanwhile: run the search again, or narrow it"
    )


def _tell_missing_ids(items: Items, query: Query) -> None:
    here = {
        str(name).casefold()
        for item in items.dicts
        for name in (item["id"], item["properties"]["identifier"])
    }
    missing = [entry for entry in query.ids if entry.casefold() not in here]
    if missing and query.limit is None:
        names = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        text = f"{len(missing)} of the {len(query.ids)} ids were not found: {names}. Check their spelling"
        warnings.warn(text, IncompleteResult, stacklevel=4)


def _lies_in(item: Json, query: Query) -> bool:
    """Tell whether an item's box touches the area (a check of the server, not the search itself)."""
    box = item.get("bbox")
    areas = [query.bbox] if query.bbox and not query.geometry else _boxes(query.geometry)
    if not areas or not box or len(box) != 4 or box[2] < box[0] or box[2] - box[0] > 180:
        return True
    return any(
        area is not None and overlaps((box[0], box[1], box[2], box[3]), area) for area in areas
    )


def _boxes(geometry: Json | None) -> list[BBox]:
    if geometry is None:
        return []
    parts = (
        geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    )
    return [
        (min(xs), min(ys), max(xs), max(ys))
        for part in parts
        for xs, ys in [([point[0] for point in part[0]], [point[1] for point in part[0]])]
    ]

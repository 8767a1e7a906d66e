"""Products that were processed again: which items are one acquisition, and which of them is the newest.

What is one acquisition is told by the products' names, which every mission builds by rules of its own
(ESA's of Sentinel-1 and -2, Theia's, the USGS's), or by place, time and kind, where a version is told.
Two parts of a tile that were taken in one overpass are no versions of each other: their datastrips or
their footprints differ.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from geodes_datalab._types import Json

_APART = timedelta(days=1)
"""Between the making of two products of one version, from which on the later replaces the earlier: parts of
a tile are made within hours."""

_ALIKE = 0.5
"""Share of two footprints that they have in common, from which on they are of the same acquisition."""

_NAMES = tuple(
    re.compile(pattern)
    for pattern in (
        # S2A_MSIL1C_20211104T142021_N0301_R010_T19GFG_20211104T174514; one catalogue leaves the N out
        (
            r"(?P<key>S2[A-D]_MSIL\w\w_\d{8}T\d{6})(?:_N(?P<version>\d{4}))?"
            r"_(?P<more>R\d{3}_T\w{5})_(?P<made>\d{8}T\d{6})"
        ),
        # SENTINEL2B_20200106-105907-758_L2A_T31TCH_C_V4-0
        r"(?P<key>[A-Z]+\d?\w?(?:-\w+)*_\d{8}-\d{6}-\d{3}_L\w+?_[\w-]+?)_[A-Z]_V(?P<version>\d+-\d+)",
        # S1A_IW_GRDH_1SDV_20240101T054321_20240101T054348_051900_064ABC_1F2E
        r"(?P<key>S1[A-D]_\w\w_\w{4}_\w{4}_\d{8}T\d{6}_\d{8}T\d{6}_\d{6}_[0-9A-F]{6})",
        # LC08_L2SP_028030_20200114_20200824_02_T1_SR; in real time (RT), the correction may be a lesser one
        (
            r"(?P<key>L[A-Z]\d\d_L\d)\w\w_(?P<scene>\d{6}_\d{8})_(?:(?P<made>\d{8})_)?"
            r"(?P<version>\d\d)_(?P<tier>\w\w)(?P<more>_S[RT])?(?!\w)"
        ),
        # s1a_31TCH_vv_DES_110_20200101t054321_GammaNaughtRTC_filtered.tif
        r"(?P<key>S1[A-D]_\w{5}_[VH]{2}_(?:ASC|DES)_\d{3}_\d{8}T\w+)",
    )
)

_HALF = 180
"""Degrees around the earth that no product spans, unless it lies across the seam."""

_NAMED = ("s2:product_uri", "sentinel:product_id", "identifier", "title")
_STRIP = re.compile(r"_S(\d{8}T\d{6})")
_VERSIONS = (
    "s2:processing_baseline",
    "sentinel:processing_baseline",
    "processing:version",
    "version",
)
_MADE = ("s2:generation_time", "processing:datetime")
_PUBLISHED = ("published", "updated", "created")


class Version(NamedTuple):
    """How new a product is: the greater, the newer."""

    number: tuple[int, ...]
    """Of the processing, such as (5, 11); empty where it is not told."""
    latest: bool
    """Whether nobody says that a later one is there, or will be, as of Landsat's in real time."""
    made: str
    """When it was processed."""
    published: str
    """When the catalogue got it."""

    def __str__(self) -> str:
        """Write the number as the products do, or else the day of the processing."""
        number = ".".join(f"{item:02d}" for item in self.number)
        return number or (self.made or self.published)[:10] or "?"


def superseded(items: Sequence[Json]) -> dict[int, int]:
    """Tell which items are older versions of others.

    Parameters
    ----------
    items
        Item dictionaries.

    Returns
    -------
    dict
        Position of each older item to the position of the newest of the same acquisition.

    Examples
    --------
    >>> name = "S2A_MSIL1C_20211104T142021_{}_R010_T19GFG_{}"
    >>> old = {"id": name.format("N0301", "20211104T174514"), "properties": {}}
    >>> new = {"id": name.format("N0500", "20230101T120000"), "properties": {}}
    >>> superseded([old, new])
    {0: 1}
    """
    scenes = _scenes(items)
    result: dict[int, int] = {}
    for places in scenes:
        kept: list[int] = []
        for place in sorted(places, key=lambda one: version(items[one]), reverse=True):
            newer = next((one for one in kept if _replaces(items[one], items[place])), None)
            if newer is None:
                kept.append(place)
            else:
                result[place] = newer
    return dict(sorted(result.items()))


def ranks(items: Sequence[Json], starts: Sequence[datetime]) -> list[tuple[datetime, int]]:
    """Return what sorts items so that of one acquisition the newest comes first.

    Parameters
    ----------
    items
        Item dictionaries.
    starts
        When each was acquired.

    Returns
    -------
    list of tuple
        For each item the earliest start of its acquisition, and how many versions of it are newer.
    """
    result = [(start, 0) for start in starts]
    for places in _scenes(items):
        first = min(starts[place] for place in places)
        newest_first = sorted(places, key=lambda one: version(items[one]), reverse=True)
        for rank, place in enumerate(newest_first):
            result[place] = first, rank
    return result


def version(item: Json) -> Version:
    """Tell how new an item is among those of its acquisition.

    Parameters
    ----------
    item
        Item as a dictionary.
    """
    properties = item.get("properties") or {}
    match = _named(item)
    named = match.groupdict() if match else {}
    told = named.get("version") or _first(properties, _VERSIONS)
    made = _first(properties, _MADE) or named.get("made") or ""
    return Version(
        _numbers(str(told or "")),
        properties.get("latest") is not False and named.get("tier") != "RT",
        _sortable(made),
        _sortable(_first(properties, _PUBLISHED) or ""),
    )


def _scenes(items: Sequence[Json]) -> list[list[int]]:
    """Return the positions of items that may be one acquisition, where there are several."""
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for place, item in enumerate(items):
        key = _key(item)
        if key is not None:
            groups[key].append(place)
    return [places for places in groups.values() if len(places) > 1]


def _key(item: Json) -> Hashable | None:
    """Return what items of one acquisition have in common; None where that is not known."""
    properties = item.get("properties") or {}
    collection = item.get("collection")
    match = _named(item)
    if match:
        told = match.groupdict()
        return collection, told["key"], told.get("scene"), told.get("more")
    where = _where(item, properties)
    when = (
        _strip(item) or _start(item)[:19]
    )  # a catalogue may tell another time of what is made again
    if where is None or _first(properties, _VERSIONS) is None or not when:
        return None
    names = ("platform", "product:type", "processing:level", "sat:relative_orbit")
    kind = tuple(str(properties.get(name)) for name in names)
    waves = properties.get("sar:polarizations")
    return collection, where, when, kind, str(waves), tuple(item.get("assets") or ())


def _where(item: Json, properties: Json) -> Hashable | None:
    place = properties.get("grid:code") or properties.get("s2:mgrs_tile")
    if place:
        return str(place)
    if properties.get("proj:transform"):
        return str((properties["proj:transform"], properties.get("proj:shape")))
    try:
        return tuple(round(float(entry), 3) for entry in item.get("bbox") or ()) or None
    except (TypeError, ValueError):  # no box, whatever it is
        return None


def _named(item: Json) -> re.Match[str] | None:
    properties = item.get("properties") or {}
    for text in (*(properties.get(name) for name in _NAMED), item.get("id")):
        for pattern in _NAMES if text else ():
            if match := pattern.match(str(text).upper()):
                return match
    return None


def _replaces(newer: Json, older: Json) -> bool:
    """Tell whether an item holds what another one of the same name held."""
    strips = {_strip(newer), _strip(older)} - {None}
    if len(strips) > 1:
        return False
    alike = _common(newer, older)
    if alike is not None and alike < _ALIKE:
        return False
    new, old = version(newer), version(older)
    if new.number != old.number or new.latest != old.latest:
        return True
    if _named(newer) is None:
        return False  # the same place, time and kind: perhaps another thing nevertheless
    for item, other in ((new.made, old.made), (new.published, old.published)):
        if item and other and item != other:
            return datetime.fromisoformat(item) - datetime.fromisoformat(other) >= _APART
    return False


def _strip(item: Json) -> str | None:
    """Return when the datastrip begins that an item is of, where that is told."""
    told = _first(item.get("properties") or {}, ("s2:datastrip_id", "eopf:datastrip_id"))
    match = _STRIP.search(str(told or ""))
    return match.group(1) if match else None


def _common(one: Json, other: Json) -> float | None:
    """Return the share of two footprints that they have in common; None where one is not told."""
    if not one.get("geometry") or not other.get("geometry"):
        return None
    import shapely
    from shapely.geometry import shape

    try:
        outlines = [shape(item["geometry"]) for item in (one, other)]
    except (AttributeError, LookupError, TypeError, ValueError, shapely.errors.ShapelyError):
        return None  # what is no outline tells nothing
    if any(east - west > _HALF for west, _, east, _ in (whole.bounds for whole in outlines)):
        outlines = [shapely.transform(whole, _eastern) for whole in outlines]
    first, second = map(shapely.make_valid, outlines)
    both = first.union(second).area
    return float(first.intersection(second).area / both) if first.area and second.area else None


def _eastern(points: Any) -> Any:
    """Return positions of which those in the west are counted from 180 degrees on."""
    return points + (points[:, :1] < 0) * [2 * _HALF, 0]


def _start(item: Json) -> str:
    properties = item.get("properties") or {}
    return str(properties.get("start_datetime") or properties.get("datetime") or "")


def _first(properties: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((properties[name] for name in names if properties.get(name)), None)


def _numbers(text: str) -> tuple[int, ...]:
    """Read 05.11, N0511, 0511, 4-0 and 1.2.3."""
    match = re.fullmatch(r"N?(\d\d)(\d\d)", text.strip())
    return tuple(map(int, match.groups() if match else re.findall(r"\d+", text)))


def _sortable(text: Any) -> str:
    """Write a moment so that it sorts as text; nothing where it is none."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return ""
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")

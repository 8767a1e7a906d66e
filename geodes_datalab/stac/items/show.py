"""How items look in a notebook: a table, a sketch of the footprints, a line of totals."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from html import escape
from typing import Any, Protocol

from geodes_datalab._display import shown_size, table
from geodes_datalab._language import gettext, ngettext, shown
from geodes_datalab._types import BBox, Json
from geodes_datalab.errors import DataError
from geodes_datalab.stac.items.assets import data_asset
from geodes_datalab.stac.items.versions import superseded, version
from geodes_datalab.stac.query.canonical import in_words


class Items(Protocol):
    """What is shown of a search's result."""

    dicts: list[Json]
    matched: int
    query: Any
    available: Any

    @property
    def bbox(self) -> BBox | None:
        """Around all of them."""

    @property
    def nbytes(self) -> int:
        """Of all their files."""

    def __len__(self) -> int: ...


ROWS = 20
"""Items in the table; the line below it tells of the others."""

OUTLINES = 300
"""Footprints in the sketch: more would only be slow and black."""

_PIXELS = 180

_SIMULATED = " (simulated)"

_SHORTENED = "display:inline-block;max-width:20em;overflow:hidden;text-overflow:ellipsis;vertical-align:bottom"


def items_html(items: Items) -> str:
    """Return HTML of a search's result."""
    head = _head(items)
    if not items.dicts:
        return f"<div>{head}<br>{escape(advice(items))}</div>"
    rows = [_row(item, items.available) for item in items.dicts[:ROWS]]
    older = _with_versions(rows, items.dicts)
    unknown = [row["online"] == "?" for row in rows]
    empty = {"online"} if all(unknown) else set()
    if len({item.get("collection") for item in items.dicts}) == 1:  # the line above names it
        empty.add("collection")
    rows = [{name: row[name] for name in row if name not in empty} for row in rows]
    more = gettext("... and {count} more", count=len(items) - ROWS)
    foot = f"{more}<br>" if len(items) > ROWS else ""
    if any(unknown):
        foot += gettext(
            "What is online, and what on tape, the archive tells: {call}",
            call="<code>geodes_datalab.stac.availability(items)</code>",
        )
    foot += older
    columns = list(rows[0])
    cells = table(
        [list(row.values()) for row in rows],
        [heading(name) for name in columns],
        raw=(columns.index("name"),),
    )
    return (
        f'<div>{head}<div style="display:flex;gap:1em;align-items:flex-start">{_sketch(items)}'
        f'<div style="overflow-x:auto;min-width:0">{cells}</div></div>'
        f"<small>{foot}</small></div>"
    )


def _head(items: Items) -> str:
    """Say how many there are, of what was searched, and what the catalogue is where it is not GEODES."""
    head = ngettext(
        "{shown} of {count} item, {size} in all",
        "{shown} of {count} items, {size} in all",
        items.matched,
        shown=f"<b>{len(items)}</b>",
        size=shown_size(items.nbytes),
    )
    if made := sum(_title(item)[1] != "" for item in items.dicts):
        simulated = gettext("all simulated"), gettext("{count} of them simulated", count=made)
        head += f", {simulated[made < len(items)]}"
    if items.query:
        head += f" &mdash; {escape(in_words(items.query, gettext))}"
    notice = os.environ.get("GEODES_CATALOGUE_NOTICE")
    if notice:
        told = escape(shown(notice))
        head += f'<br><i style="border-left:3px solid #e07020;padding-left:6px">{told}</i>'
    return head


def _with_versions(rows: list[dict[str, Any]], dicts: list[Json]) -> str:
    """Tell in the rows which items are older versions of others, where any is; return a line on it."""
    older = superseded(dicts)
    if not older:
        return ""
    for place, row in enumerate(rows):
        told = str(version(dicts[place]))
        row["version"] = gettext("{version}, older", version=told) if place in older else told
    return "<br>" + ngettext(
        "{count} older version of another item: {load} takes the newest, as {newest} does",
        "{count} older versions of other items: {load} takes the newest, as {newest} does",
        len(older),
        load="<code>load</code>",
        newest="<code>items.newest()</code>",
    )


def heading(column: str) -> str:
    """Return the title of a column of the table of items."""
    titles = {
        "date": gettext("date"),
        "platform": gettext("platform"),
        "collection": gettext("collection"),
        "tile": gettext("tile"),
        "cloud cover": gettext("cloud cover"),
        "size": gettext("size"),
        "online": gettext("online"),
        "name": gettext("name"),
        "version": gettext("version"),
    }
    return titles[column]


def advice(items: Items) -> str:
    """Say what may be wrong with a search that found nothing."""
    text = gettext("Nothing was found: widen the area, the dates or the cloud cover.")
    bbox = items.query.bbox if items.query else None
    if bbox is not None and max(abs(bbox[0]), abs(bbox[2])) <= 90:
        swapped = (bbox[1], bbox[0], bbox[3], bbox[2])
        text += " " + gettext("If latitude and longitude were swapped: bbox={bbox}.", bbox=swapped)
    return text


def _row(item: Json, available: dict[str, bool]) -> dict[str, Any]:
    properties = item["properties"]
    cloud = properties.get("eo:cloud_cover")
    return {
        "date": str(properties.get("datetime") or "-")[:16].replace("T", " "),
        "name": _name(item),  # a narrow page cuts off the last columns
        "platform": properties.get("platform"),
        "tile": str(properties.get("grid:code", "-")).removeprefix("MGRS-"),
        "cloud cover": "-" if cloud is None else f"{cloud:.0f} %",
        "size": shown_size(_field(item, "file:size")),
        "online": _online(item, available),
        "collection": item.get("collection"),
    }


def _name(item: Json) -> str:
    """Write a title in HTML: shortened where it is long, whole under the mouse, with its mark beside it."""
    name, mark = _title(item)
    whole = escape(name + mark, quote=True)
    return f'<span title="{whole}" style="{_SHORTENED}">{escape(name)}</span>{escape(mark)}'


def _title(item: Json) -> tuple[str, str]:
    """Return the title without, and the mark of what was made up for the sample catalogue."""
    title = str(item["properties"].get("title") or "-")
    name = title.removesuffix(_SIMULATED)
    return name, title[len(name) :]


def _online(item: Json, available: dict[str, bool]) -> str:
    """Say where the data lie; the catalogue's "not online" alone means nothing."""
    if item["id"] in available:
        return gettext("yes") if available[item["id"]] else gettext("on tape")
    return gettext("yes") if _field(item, "geodes:online") else "?"


def _field(item: Json, name: str) -> Any:
    try:
        return data_asset(item)[1].get(name)
    except DataError:
        return None


def _sketch(items: Items) -> str:
    """Draw the footprints, and nothing below them: no map is fetched here."""
    bbox = items.bbox
    if bbox is None:
        return ""
    west, south, east, north = _padded(bbox)
    shrink = max(math.cos(math.radians((south + north) / 2)), 0.05)
    width, height = (east - west) * shrink, north - south
    scale = _PIXELS / max(width, height)
    outlines = []
    for item in items.dicts[:OUTLINES]:
        path = " ".join(
            "M"
            + " L".join(
                f"{(x - west) * shrink * scale:.1f},{(north - y) * scale:.1f}" for x, y in ring
            )
            + "Z"
            for ring in _rings((item.get("geometry") or {}).get("coordinates") or [])
        )
        name = escape(str(item["properties"].get("title", "")))
        outlines.append(f'<path d="{path}"><title>{name}</title></path>')
    corners = [f"{bbox[0]:.2f}, {bbox[1]:.2f}", f"{bbox[2]:.2f}, {bbox[3]:.2f}"]
    caption = gettext("{southwest} to {northeast}", southwest=corners[0], northeast=corners[1])
    return (
        f'<figure style="margin:0;flex:none"><svg width="{width * scale:.0f}" height="{height * scale:.0f}" role="img" '
        f'aria-label="{escape(gettext("footprints"))}" style="border:1px solid #ccc">'
        '<g fill="#2a78d6" fill-opacity="0.08" stroke="#2a78d6" stroke-opacity="0.7">'
        f"{''.join(outlines)}</g></svg><figcaption><small>{caption}</small></figcaption></figure>"
    )


def _padded(bbox: BBox) -> BBox:
    margin = max(bbox[2] - bbox[0], bbox[3] - bbox[1], 0.01) * 0.05
    return bbox[0] - margin, bbox[1] - margin, bbox[2] + margin, bbox[3] + margin


def _rings(coordinates: Any) -> Iterator[list[tuple[float, float]]]:
    """Yield every ring of a geometry, at whatever depth it lies."""
    if not coordinates or isinstance(coordinates[0], int | float):
        return
    if isinstance(coordinates[0][0], int | float):
        yield [(point[0], point[1]) for point in coordinates]
    else:
        for part in coordinates:
            yield from _rings(part)

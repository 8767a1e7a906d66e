"""What stands beside and upon the map of products: list, picture, metadata, and the card at the pointer."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from geodes_datalab._display import size
from geodes_datalab._language import gettext, mark, quantity, shown
from geodes_datalab._optional import need
from geodes_datalab._theme import FAINT, TEXT
from geodes_datalab._types import Json

_SHOWN = {
    mark("Acquired"): "datetime",
    mark("Published"): "published",
    mark("Platform"): "platform",
    mark("Cloud cover (%)"): "eo:cloud_cover",
    mark("Orbit"): "sat:relative_orbit",
    mark("Direction"): "sat:orbit_state",
    mark("Polarisations"): "sar:polarizations",
    mark("Tile"): "grid:code",
    "CRS": "proj:code",
}
_ON_CARD = 4
"""Products that the card at the pointer names."""


class Panel:
    """The list of products under the click, picture, metadata."""

    def __init__(self, height: str) -> None:
        widgets = need("ipywidgets", extra="maps")
        wide = widgets.Layout(
            width="98%", flex="none"
        )  # "none": or a long table squeezes the others
        narrow = widgets.Layout(width="auto")
        self.filling = False
        self.choice = widgets.Dropdown(options=[], layout=wide)
        self.keep = widgets.Checkbox(
            value=False, description=gettext("selected"), indent=False, layout=narrow
        )
        self.drape = widgets.Checkbox(
            value=True, description=gettext("picture on the map"), indent=False, layout=narrow
        )
        self.count = widgets.HTML()
        self._picture = widgets.HTML(layout=wide)
        self._text = widgets.HTML(
            gettext("Click a footprint, or pick a picture, to see it and its metadata."),
            layout=wide,
        )
        boxes = widgets.HBox(
            [self.keep, self.drape],
            layout=widgets.Layout(flex="none", flex_flow="row wrap", overflow="visible"),
        )
        self.widget = widgets.VBox(
            [self.count, self.choice, boxes, self._picture, self._text],
            layout=widgets.Layout(
                width="340px", min_width="260px", max_height=height, overflow="auto"
            ),
        )

    def offer(self, options: list[tuple[str, int]], value: int | None) -> None:
        """List products, and mark one of them."""
        self.filling = True
        try:
            self.choice.options = options
            self.choice.value = value
        finally:
            self.filling = False

    def tick(self, selected: bool) -> None:
        """Show whether the product is selected."""
        self.filling = True
        try:
            self.keep.value = selected
        finally:
            self.filling = False

    def counted(self, selected: int, total: int) -> None:
        """Say how many are selected."""
        chosen = f'<b style="color:{TEXT}">{selected}</b>'
        self.count.value = gettext("{chosen} of {total} selected", chosen=chosen, total=total)

    def show(self, text: str, picture: str) -> None:
        """Show metadata and picture (HTML)."""
        self._text.value, self._picture.value = text, picture


class Card:
    """What lies under the pointer, in a corner of the map; gone where nothing does."""

    def __init__(self) -> None:
        leaflet = need("ipyleaflet", extra="maps")
        widgets = need("ipywidgets", extra="maps")
        self.html = widgets.HTML()
        self.control = leaflet.WidgetControl(
            widget=self.html, position="topright", transparent_bg=True
        )

    def show(self, dicts: Sequence[Json]) -> None:
        """Name products; none hides the card."""
        text = card(dicts)
        if text != self.html.value:
            self.html.value = text


def card(dicts: Sequence[Json]) -> str:
    """Write title, date and cloud cover of products as HTML; texts are escaped.

    Examples
    --------
    >>> card([])
    ''
    >>> properties = {"title": "<S2>", "datetime": "2024-01-01T10:00:00Z", "eo:cloud_cover": 12.4}
    >>> card([{"id": "1", "properties": properties}])
    '<div class="geodes-card"><b>&lt;S2&gt;</b><div>2024-01-01 · ☁ 12 %</div></div>'
    """
    if not dicts:
        return ""
    if len(dicts) == 1:
        title = escape(str(dicts[0]["properties"].get("title") or dicts[0]["id"]))
        return (
            f'<div class="geodes-card"><b>{title}</b><div>{escape(caption(dicts[0]))}</div></div>'
        )
    lines = [
        f"{escape(caption(item))} <span>{escape(_short(item))}</span>"
        for item in sorted(dicts, key=moment)[:_ON_CARD]
    ]
    more = (
        [gettext("and {count} more", count=len(dicts) - _ON_CARD)] if len(dicts) > _ON_CARD else []
    )
    return (
        f'<div class="geodes-card"><b>{gettext("{count} products here", count=len(dicts))}</b>'
        f"<div>{'<br>'.join(lines + more)}</div></div>"
    )


def moment(item: Json) -> str:
    """Return the time of acquisition, ISO 8601; empty where it is not told."""
    properties = item["properties"]
    return str(properties.get("datetime") or properties.get("start_datetime") or "")


def caption(item: Json) -> str:
    """Return date and cloud cover in a few signs."""
    cloud = item["properties"].get("eo:cloud_cover")
    date = moment(item)[:10] or gettext("no date")
    return date if cloud is None else f"{date} · ☁ {float(cloud):.0f} %"


def label(item: Json) -> str:
    """Return date and title in a line."""
    properties = item["properties"]
    return f"{str(properties.get('datetime') or '')[:10]}  {properties.get('title') or item['id']}"


def pictured(picture: str, note: str) -> str:
    """Return a quicklook (data URI, or none) as HTML, with a note on where it lies.

    Examples
    --------
    >>> pictured("", "")
    '<i>this product has no quicklook</i>'
    """
    if not picture:
        return f"<i>{gettext('this product has no quicklook')}</i>"
    image = f'<img style="max-width:100%" alt="{gettext("quicklook")}" src="{picture}">'
    return image + (
        f'<div style="color:{FAINT};font-size:11px;line-height:1.4">{escape(note)}</div>'
        if note
        else ""
    )


def metadata(item: Json) -> str:
    """Write what an item says of itself as an HTML table; texts are escaped."""
    properties = item["properties"]
    nbytes = item.get("assets", {}).get("data", {}).get("file:size")
    rows = {
        gettext("Collection"): item.get("collection"),
        gettext("Title"): properties.get("title") or item["id"],
    }
    rows |= {shown(name): properties.get(key) for name, key in _SHOWN.items()}
    rows |= {gettext("Size"): quantity(size(nbytes)) if nbytes else None}
    cells = "".join(
        f'<tr><td style="color:{FAINT};padding-right:8px;vertical-align:top">{escape(name)}</td>'
        f'<td style="color:{TEXT};word-break:break-all">{escape(_text(value))}</td></tr>'
        for name, value in rows.items()
        if value not in (None, [], "")
    )
    return f'<table style="font-size:12px;line-height:1.4">{cells}</table>'


def _short(item: Json) -> str:
    title = str(item["properties"].get("title") or item["id"])
    return title if len(title) <= 28 else f"{title[:27]}…"


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

"""`explore`: footprints on a map, a click for the picture, a drawn box for the area of interest."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from geodes_datalab import config
from geodes_datalab._display import size
from geodes_datalab._inputs.shapes import PlaceLike
from geodes_datalab._inputs.times import DatetimeLike
from geodes_datalab._optional import need
from geodes_datalab._types import BBox, Json
from geodes_datalab.errors import GeodesError
from geodes_datalab.maps import aoi, quicklook
from geodes_datalab.maps.basemap import Tiles, new_map
from geodes_datalab.maps.footprints import Colour, footprints

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from geodes_datalab.stac import Items
    from geodes_datalab.stac.items.held import ItemsLike

_SHOWN = {
    "Acquired": "datetime",
    "Published": "published",
    "Platform": "platform",
    "Cloud cover (%)": "eo:cloud_cover",
    "Orbit": "sat:relative_orbit",
    "Direction": "sat:orbit_state",
    "Polarisations": "sar:polarizations",
    "Tile": "grid:code",
    "CRS": "proj:code",
}


class Explorer:
    """Footprints of items on a map; made by `explore`, and shown when a cell ends in it.

    Click a footprint to see its picture and metadata and to select it; where several lie upon each
    other, the list beside the map has them all. Draw a box or polygon to set `aoi` and `geometry`.
    """

    def __init__(
        self,
        items: Items,
        *,
        area: aoi.Area | None = None,
        colour: Colour,
        most: int,
        tiles: Tiles,
        height: str,
    ) -> None:
        leaflet = need("ipyleaflet", extra="maps")
        widgets = need("ipywidgets", extra="maps")
        self._items = items
        self._footprints = footprints(items.dicts, colour, most)
        self._chosen: list[int] = []
        self._pictures: dict[int, str] = {}
        self._area = area
        self.map = new_map(items.bbox or (area.bbox if area else None), tiles=tiles, height=height)
        """The `ipyleaflet.Map`; add whatever you like to it."""
        self._layer = leaflet.GeoJSON(
            data=self._footprints.features(), hover_style={"weight": 4}, name="Footprints"
        )
        self._layer.on_click(self._clicked)
        self.map.add(self._layer)
        self._outline = aoi.outlined(area) if area else None
        if self._outline is not None:
            self.map.add(self._outline)
        legend = widgets.HTML(self._footprints.legend)
        self.map.add(leaflet.WidgetControl(widget=legend, position="bottomright"))
        self._pen = aoi.drawing_control()
        self._pen.on_draw(self._drawn)
        self.map.add(self._pen)
        self._panel = _Panel(height)
        self._panel.choice.observe(self._listed, "value")
        self._panel.keep.observe(self._kept, "value")
        self.widget = widgets.HBox([self.map, self._panel.widget])
        """Map and panel side by side."""

    @property
    def selected(self) -> Items:
        """The items that were clicked, in the order of the search."""
        from geodes_datalab.stac import Items

        return Items([self._items.dicts[i] for i in sorted(self._chosen)])

    @property
    def aoi(self) -> BBox | None:
        """The box around the last drawing (west, south, east, north; degrees), for `load` or `search`.

        Before anything is drawn: of the area given to `explore`, or None. West is greater than east
        where it crosses the antimeridian.
        """
        return self._area.bbox if self._area else None

    @property
    def geometry(self) -> Json | None:
        """The last drawing, or the area given, as a GeoJSON geometry (degrees), for `load` or `search`."""
        return self._area.geometry if self._area else None

    def clear(self) -> None:
        """Forget selection and drawing."""
        self._chosen.clear()
        self._area = None
        if self._outline is not None:
            self.map.remove(self._outline)
            self._outline = None
        self._pen.clear()
        self._refresh()
        self._panel.keep.value = False

    def __repr__(self) -> str:
        """Say how many items there are, how many are selected, and the area drawn."""
        drawn = len(self._footprints.shapes)
        return f"<Explorer: {drawn} of {len(self._items)} items, {len(self._chosen)} selected, aoi={self.aoi}>"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Show the widget in a notebook, and `repr` elsewhere."""
        return self.widget._repr_mimebundle_(**options)

    def _clicked(self, **event: Any) -> None:
        """Show and select the item whose footprint was clicked (ipyleaflet's event)."""
        if self._pen.current_mode:  # this click sets a corner of a drawing
            return
        item = int((event.get("properties") or {})["item"])
        latitude, longitude = event["coordinates"]
        below = self._footprints.under(longitude, latitude)
        self._panel.offer(self._labels(below or [item]), item)
        self._choose(item, True)
        self._panel.keep.value = True
        self._show(item)

    def _listed(self, change: Json) -> None:
        """Show the item that was picked from the list."""
        if change["new"] is not None and not self._panel.filling:
            self._panel.keep.value = change["new"] in self._chosen
            self._show(change["new"])

    def _kept(self, change: Json) -> None:
        """Select or drop the item that the panel shows."""
        item = self._panel.choice.value
        if item is not None and not self._panel.filling:
            self._choose(item, bool(change["new"]))

    def _choose(self, item: int, selected: bool) -> None:
        if selected == (item in self._chosen):
            return
        if selected:
            self._chosen.append(item)
        else:
            self._chosen.remove(item)
        self._refresh()

    def _refresh(self) -> None:
        self._layer.data = self._footprints.features(self._chosen)

    def _drawn(self, _control: Any, action: str, geo_json: Any) -> None:
        """Take what was drawn, edited or removed (ipyleaflet's event)."""
        shapes = aoi.polygons(geo_json)
        if action == "remove":
            self._area = None
        elif shapes:
            self._area = aoi.drawn(shapes[-1])

    def _labels(self, positions: list[int]) -> list[tuple[str, int]]:
        dicts = self._items.dicts
        pairs = [(_label(dicts[i]), i) for i in positions]
        return sorted(pairs)

    def _show(self, item: int) -> None:
        self._panel.show(_metadata(self._items.dicts[item]), self._picture(item))

    def _picture(self, item: int) -> str:
        """Return the quicklook as an HTML image, fetched once, or the reason why there is none."""
        if item not in self._pictures:
            url = quicklook.address(self._items.dicts[item])
            try:
                result = (
                    f'<img style="max-width:100%" src="{quicklook.fetch(url, config.load())}">'
                    if url
                    else ""
                )
            except GeodesError as error:
                return f"<i>{escape(quicklook.reason(error))}</i>"
            self._pictures[item] = result or "<i>this product has no quicklook</i>"
        return self._pictures[item]


class _Panel:
    """What stands beside the map: the list of products under the click, picture, metadata."""

    def __init__(self, height: str) -> None:
        widgets = need("ipywidgets", extra="maps")
        wide = widgets.Layout(width="98%")
        self.filling = False
        self.choice = widgets.Dropdown(options=[], layout=wide)
        self.keep = widgets.Checkbox(value=False, description="selected", indent=False, layout=wide)
        self._picture = widgets.HTML(layout=wide)
        self._text = widgets.HTML("Click a footprint to see its picture and metadata.", layout=wide)
        self.widget = widgets.VBox(
            [self.choice, self.keep, self._picture, self._text],
            layout=widgets.Layout(
                width="340px", min_width="260px", max_height=height, overflow="auto"
            ),
        )

    def offer(self, options: list[tuple[str, int]], value: int) -> None:
        """List products, and mark one of them."""
        self.filling = True
        try:
            self.choice.options = options
            self.choice.value = value
        finally:
            self.filling = False

    def show(self, text: str, picture: str) -> None:
        """Show metadata and picture (HTML)."""
        self._text.value, self._picture.value = text, picture


def explore(
    items: ItemsLike,
    *,
    # where and when
    bbox: PlaceLike | None = None,
    geometry: PlaceLike | None = None,
    datetime: DatetimeLike | None = None,
    # how it looks
    colour: Colour = "date",
    most: int = 2000,
    tiles: Tiles = "auto",
    height: str = "500px",
) -> Explorer:
    """Show items on a map.

    Parameters
    ----------
    items
        What `search` found, or items in any form that `load` takes.
    bbox, geometry
        Area of interest, written as in `search` and `load`: it is drawn on the map, and items that do not
        touch it are left out.
    datetime
        Time of acquisition, written likewise: items of other times are left out.
    colour
        ``"date"`` of acquisition or ``"cloud_cover"`` (grey where there is none, as for radar).
    most
        How many footprints to draw; the legend tells when there are more.
    tiles
        ``"auto"``: OpenStreetMap where it can be reached, above the packaged vectors, which are always
        there. True or False decide; a text is the address of another tile server.
    height
        CSS height of the map.

    Returns
    -------
    Explorer
        With ``.selected`` (items clicked), ``.aoi`` and ``.geometry`` (area drawn, or given).

    Raises
    ------
    InvalidInput
        An area or a time that cannot be read.
    DataError
        Something among the items is none.
    ConfigurationError
        Unknown ``colour`` or ``tiles``.
    MissingDependency
        ipyleaflet is not installed.

    Examples
    --------
    >>> view = explore(items)  # doctest: +SKIP
    >>> cube = load(view.selected, bands=["red"], bbox=view.aoi)  # doctest: +SKIP
    """
    result = aoi.given(bbox, geometry)
    shown = _narrowed(items, result[1] if result else None, datetime)
    area = result[0] if result else None
    return Explorer(shown, area=area, colour=colour, most=most, tiles=tiles, height=height)


def _narrowed(items: ItemsLike, area: BaseGeometry | None, datetime: DatetimeLike | None) -> Items:
    """Return the items that touch an area and a span of time."""
    from geodes_datalab.stac import Items
    from geodes_datalab.stac.items.held import acquired, as_dicts

    if isinstance(items, Items) and area is None and datetime is None:
        return items
    dicts = acquired(as_dicts(items), datetime)
    if area is not None:
        dicts = [item for item in dicts if aoi.touches(item, area)]
    return Items(dicts)


def _label(item: Json) -> str:
    properties = item["properties"]
    return f"{str(properties.get('datetime') or '')[:10]}  {properties.get('title') or item['id']}"


def _metadata(item: Json) -> str:
    properties = item["properties"]
    nbytes = item.get("assets", {}).get("data", {}).get("file:size")
    rows = {"Collection": item.get("collection"), "Title": properties.get("title") or item["id"]}
    rows |= {name: properties.get(key) for name, key in _SHOWN.items()}
    rows |= {"Size": size(nbytes) if nbytes else None}
    cells = "".join(
        f'<tr><td style="color:#555;padding-right:8px;vertical-align:top">{escape(name)}</td>'
        f'<td style="word-break:break-all">{escape(_text(value))}</td></tr>'
        for name, value in rows.items()
        if value not in (None, [], "")
    )
    return f'<table style="font-size:12px;line-height:1.4">{cells}</table>'


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

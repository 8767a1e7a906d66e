"""`explore`: footprints on a map, a click for the picture, a drawn box for the area of interest."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from geodes_datalab._inputs.shapes import PlaceLike
from geodes_datalab._inputs.times import DatetimeLike
from geodes_datalab._optional import need
from geodes_datalab._types import BBox, Json
from geodes_datalab.errors import GeodesError
from geodes_datalab.maps import aoi, panel, quicklook
from geodes_datalab.maps.basemap import Tiles, new_map
from geodes_datalab.maps.drape import draped
from geodes_datalab.maps.filmstrip import Filmstrip, Frame
from geodes_datalab.maps.footprints import Colour, footprints
from geodes_datalab.maps.pictures import Pictures
from geodes_datalab.maps.scene import Scene

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from geodes_datalab.stac import Items
    from geodes_datalab.stac.items.held import ItemsLike


class Explorer:
    """Footprints of items on a map; made by `explore`, and shown when a cell ends in it.

    Click a footprint to see its picture and metadata and to select it; where several lie upon each
    other, the list beside the map has them all. The film strip below has a frame for each product, in
    order of time: pick one to see its picture on the map. Draw a box or polygon to set `aoi` and `geometry`.
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
        widgets = need("ipywidgets", extra="maps")
        self._items = items
        self._footprints = footprints(items.dicts, colour, most)
        self._chosen: list[int] = []
        self._looked_at: int | None = None
        self._pictures = Pictures(items.dicts)
        self._area = area
        self.map = new_map(items.bbox or (area.bbox if area else None), tiles=tiles, height=height)
        """The `ipyleaflet.Map`; add whatever you like to it."""
        self._card = panel.Card()
        self._scene = Scene(
            self.map, self._footprints, clicked=self._clicked, pointed=self._pointed
        )
        self._layer = self._scene.layer
        self._outline = aoi.outlined(area) if area else None
        self._pen = aoi.drawing_control()
        self._furnish()
        self._panel = panel.Panel(height)
        self._panel.counted(0, len(items))
        self._strip = Filmstrip(_frames(items.dicts[:most]), self._show, self._fetch)
        self._listen()
        beside = widgets.HBox([self.map, self._panel.widget])
        self.widget = widgets.VBox([beside, self._strip.widget])
        """Map and panel side by side, and the film strip below."""

    def _furnish(self) -> None:
        """Put area, legend, drawing tools and card on the map."""
        leaflet = need("ipyleaflet", extra="maps")
        if self._outline is not None:
            self.map.add(self._outline)
        legend = need("ipywidgets", extra="maps").HTML(self._footprints.legend)
        self.map.add(leaflet.WidgetControl(widget=legend, position="bottomright"))
        self.map.add(self._pen)
        self.map.add(self._card.control)

    def _listen(self) -> None:
        """Hear what is done with map and panel."""
        self._pen.on_draw(self._drawn)
        self._panel.choice.observe(self._listed, "value")
        self._panel.keep.observe(self._kept, "value")
        self._panel.drape.observe(self._laid, "value")
        self.map.observe(self._seen, "bounds")

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
        self._panel.tick(False)

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
        below = self._scene.under(longitude, latitude)
        if self._looked_at in below and self._looked_at not in self._chosen:
            item = self._looked_at  # its picture is what is seen there
        self._choose(item, True)
        self._show(item, below)

    def _pointed(self, below: list[int]) -> None:
        """Show a card of what is under the pointer."""
        self._card.show([] if self._pen.current_mode else [self._items.dicts[i] for i in below])

    def _seen(self, _: Any) -> None:
        """Fetch the first pictures as soon as a browser shows the map."""
        self.map.unobserve(self._seen, "bounds")
        self._strip.ask()

    def _fetch(self, items: Sequence[int]) -> None:
        self._pictures.ahead(items, self._strip.fill)

    def _listed(self, change: Json) -> None:
        """Show the item that was picked from the list."""
        if change["new"] is not None and not self._panel.filling:
            self._show(change["new"], [value for _, value in self._panel.choice.options])

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
        self._scene.select(self._chosen)
        self._panel.counted(len(self._chosen), len(self._items))

    def _drawn(self, _control: Any, action: str, geo_json: Any) -> None:
        """Take what was drawn, edited or removed (ipyleaflet's event)."""
        shapes = aoi.polygons(geo_json)
        if action == "remove":
            self._area = None
        elif shapes:
            self._area = aoi.drawn(shapes[-1])

    def _show(self, item: int, below: Sequence[int] = ()) -> None:
        """Show an item in the panel, on the map and in the film strip; the list offers those below too."""
        self._looked_at = item
        dicts = self._items.dicts
        others = below if item in below else [item]
        self._panel.offer(sorted((panel.label(dicts[i]), i) for i in others), item)
        self._panel.tick(item in self._chosen)
        self._scene.look_at(item)
        self._strip.mark(item)
        self._laid()

    def _laid(self, _: Any = None) -> None:
        """Show the picture of the item looked at, and lay it on the map unless that is switched off."""
        if self._looked_at is None:
            return
        item = self._items.dicts[self._looked_at]
        found = None
        try:
            picture = self._pictures.get(self._looked_at)
            found = draped(item, picture) if picture and self._panel.drape.value else None
            html = panel.pictured(picture, found.note if found else "")
        except GeodesError as error:
            html = f"<i>{escape(quicklook.reason(error))}</i>"
        self._scene.lay(found)
        self._panel.show(panel.metadata(item), html)


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


def _frames(dicts: Sequence[Json]) -> list[Frame]:
    """Return the frames of a film strip in order of time."""
    order = sorted(range(len(dicts)), key=lambda i: panel.moment(dicts[i]))
    return [Frame(i, panel.caption(dicts[i]), panel.label(dicts[i]).strip()) for i in order]

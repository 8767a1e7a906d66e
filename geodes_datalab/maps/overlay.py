"""`show`: a cube on the map, with a slider where it has several dates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from geodes_datalab._language import gettext
from geodes_datalab._optional import need
from geodes_datalab.maps.basemap import Tiles, new_map
from geodes_datalab.maps.colours import Scale, plain_legend

if TYPE_CHECKING:
    import xarray

    from geodes_datalab.maps.explorer import Explorer
    from geodes_datalab.maps.ranges import Colours
    from geodes_datalab.maps.series import Series
    from geodes_datalab.stac.items.held import ItemsLike


def show(
    data: xarray.Dataset | xarray.DataArray | ItemsLike,
    *,
    # what
    rgb: Sequence[str] | None = None,
    # colours
    cmap: str = "viridis",
    vmin: float | None = None,
    vmax: float | None = None,
    percentiles: tuple[float, float] = (2, 98),
    # looks
    opacity: float = 1.0,
    label: str | None = None,
    # where
    on: Explorer | Any = None,
    tiles: Tiles = "auto",
    height: str = "500px",
    widest: int = 1024,
) -> Any:
    """Put a cube on a map, as pictures in the page itself; several dates get a slider.

    Colours mean the same at all dates. Of a lazy cube only the date that is looked at is read, thinned
    out to what can be seen.

    Parameters
    ----------
    data
        A cube with red, green and blue, in true colour; a cube of one measurement; an array with dims
        (y, x), with dates, and of three bands for red, green and blue. It has a CRS. NaN and nodata are
        transparent. Items of a search are shown by `explore`.
    rgb
        Bands of a cube for red, green and blue: ``("nir", "red", "green")``.
    cmap
        Name of a Matplotlib colour map.
    vmin, vmax
        Values of the first and the last colour. By default the ``percentiles``; of reflectance in
        three bands, those of `geodes_datalab.ops.true_colour`.
    percentiles
        Used where ``vmin`` or ``vmax`` is not given: of all dates in memory, of a lazy cube of the date
        that is shown first.
    opacity
        From 0 (invisible) to 1.
    label
        Title of the legend; by default the array's long_name or name, with its units.
    on
        An `Explorer` or an `ipyleaflet.Map` to put it on; a new map where None.
    tiles, height
        Of a new map; see `explore`.
    widest
        Pixels of the picture's longer side, at most.

    Returns
    -------
    ipyleaflet.Map or Explorer
        ``on``, or the new map.

    Raises
    ------
    CubeError
        No telling what to show, no CRS, or beyond what a web map shows.
    ConfigurationError
        Unknown colour map, or limits that make no range.

    Examples
    --------
    >>> show(ndvi, cmap="RdYlGn", vmin=0, vmax=1)  # doctest: +SKIP
    >>> show(cube, rgb=("nir", "red", "green"))  # doctest: +SKIP
    """
    if _are_items(data):
        from geodes_datalab.maps.explorer import explore

        return explore(data, tiles=tiles, height=height)
    leaflet = need("ipyleaflet", extra="maps")
    from geodes_datalab.maps import film, ranges, raster, series

    seen = series.series_of(data, rgb)
    planes = lru_cache(1)(lambda number: raster.plane(seen.step(number), seen.dims, widest))
    wish = ranges.Wish(cmap, vmin, vmax, percentiles)
    colours = ranges.chosen(seen, wish, lambda number: planes(number).values)
    pictures, bounds = film.Film(seen.labels, planes, colours.scale), planes(colours.start).bounds
    title = label or seen.title
    layer = leaflet.ImageOverlay(
        url=pictures.picture(colours.start), bounds=bounds, opacity=opacity, name=title
    )
    (south, west), (north, east) = bounds
    target = new_map((west, south, east, north), tiles=tiles, height=height) if on is None else on
    ground: Any = getattr(target, "map", target)
    ground.add(layer)
    if len(seen) > 1:
        ground.add(_control(film.slider(pictures, layer, colours.start), "bottomleft"))
    ground.add(_control(_legend(seen, colours, title), "bottomright"))
    return target


def _are_items(data: Any) -> bool:
    """Tell whether something holds items, and no pixels."""
    from geodes_datalab.stac import Items

    kind = type(data)
    return isinstance(data, Items | list | tuple | dict) or kind.__module__.startswith("pystac")


def _legend(series: Series, colours: Colours, title: str) -> Any:
    from geodes_datalab.maps.figures import is_simulated

    date = series.labels[0] if len(series) == 1 else ""
    parts = (colours.note, date, gettext("simulated") if is_simulated(series.array) else "")
    note = ", ".join(part for part in parts if part)
    scale = colours.scale
    html = (
        scale.legend(title, _number, note)
        if isinstance(scale, Scale)
        else plain_legend(title, note)
    )
    return need("ipywidgets", extra="maps").HTML(html)


def _control(widget: Any, position: str) -> Any:
    return need("ipyleaflet", extra="maps").WidgetControl(widget=widget, position=position)


def _number(value: float) -> str:
    return f"{value:.3g}"

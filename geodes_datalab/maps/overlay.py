"""`show`: a slice of a cube on the map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geodes_datalab._optional import need
from geodes_datalab.errors import ConfigurationError
from geodes_datalab.maps.basemap import Tiles, new_map
from geodes_datalab.maps.colours import Scale, known, plain_legend

if TYPE_CHECKING:
    import xarray

    from geodes_datalab.maps.explorer import Explorer


def show(
    array: xarray.DataArray,
    *,
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
    """Put a slice of a cube on a map, as a picture in the page itself.

    Parameters
    ----------
    array
        Dims (y, x), or three bands and (y, x) for red, green and blue; with a CRS. Dask arrays are
        computed, thinned out to what can be seen. NaN and nodata are transparent.
    cmap
        Name of a Matplotlib colour map.
    vmin, vmax
        Values of the first and the last colour; by default the ``percentiles`` of what is seen.
    percentiles
        Used where ``vmin`` or ``vmax`` is not given.
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
        Not one slice nor three bands, no CRS, or beyond what a web map shows.
    ConfigurationError
        Unknown colour map, or limits that make no range.

    Examples
    --------
    >>> show(ndvi.isel(time=0), cmap="RdYlGn", vmin=0, vmax=1)  # doctest: +SKIP
    """
    from geodes_datalab.maps import raster

    leaflet = need("ipyleaflet", extra="maps")
    result = raster.plane(array, widest)
    scale = _scale(raster.limits(result.values, percentiles), known(cmap), vmin, vmax)
    title = label or _title(array)
    picture = leaflet.ImageOverlay(
        url=_png(raster.rgba(result, scale)),
        bounds=result.bounds,
        opacity=opacity,
        name=title,
    )
    (south, west), (north, east) = result.bounds
    target = new_map((west, south, east, north), tiles=tiles, height=height) if on is None else on
    ground: Any = getattr(target, "map", target)
    ground.add(picture)
    ground.add(_legend(plain_legend(title) if result.is_rgb else scale.legend(title, _number)))
    return target


def _scale(seen: tuple[float, float], cmap: str, vmin: float | None, vmax: float | None) -> Scale:
    low = seen[0] if vmin is None else float(vmin)
    high = seen[1] if vmax is None else float(vmax)
    if high < low:
        raise ConfigurationError(
            f"the colours would go from {low:g} to {high:g}",
            hint="give vmin below vmax, or neither",
        )
    return Scale(low, high, cmap)


def _png(pixels: Any) -> str:
    from geodes_datalab.maps.quicklook import png_uri

    return png_uri(need("PIL.Image", extra="maps").fromarray(pixels))


def _legend(html: str) -> Any:
    leaflet = need("ipyleaflet", extra="maps")
    widgets = need("ipywidgets", extra="maps")
    return leaflet.WidgetControl(widget=widgets.HTML(html), position="bottomright")


def _title(array: xarray.DataArray) -> str:
    named = "value" if array.name is None else array.name
    name = str(array.attrs.get("long_name", named))
    units = str(array.attrs.get("units") or "")
    return f"{name} ({units})" if units not in ("", "1") else name


def _number(value: float) -> str:
    return f"{value:.3g}"

"""Statistics of a cube over areas: fields, catchments, countries, with pixels counted by the part inside."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import xarray as xr

from geodes_datalab._inputs import files
from geodes_datalab._inputs.shapes import shape_of
from geodes_datalab._optional import need
from geodes_datalab.errors import CubeError, CubeWarning, InvalidInput, near
from geodes_datalab.ops.packing import to_physical
from geodes_datalab.ops.points import DEGREES, extent, geobox

Data = TypeVar("Data", xr.Dataset, xr.DataArray)

FORMS = (
    'give a table of geopandas, a GeoJSON file, polygons of shapely, or names: {"field": polygon}; what has no '
    "CRS of its own is in degrees"
)
DENSE = 50
"""Points that each side of an area is given before it is brought to the cube's CRS, at least."""


@dataclass(frozen=True)
class Zone:
    """The pixels of one area."""

    rows: slice
    columns: slice
    weights: npt.NDArray[np.float32]
    """Part of each pixel that lies inside, 0 to 1."""


def zonal(
    cube: Data, areas: Any, stats: str | Sequence[str] = ("mean", "count"), *, names: str = ""
) -> Data:
    """Return statistics of the pixels in areas, each pixel with the part of it that lies inside.

    Parameters
    ----------
    cube
        Cube or band with y, x and a CRS; lazy ones stay lazy.
    areas
        Polygons: a table of geopandas, a GeoJSON file or dictionary, shapely geometries, or a mapping of
        names to such. Degrees, unless they have a CRS of their own.
    stats
        One or more of ``mean``, ``sum``, ``min``, ``max``, ``std`` (of all inside, not of a sample) and
        ``count``: how many pixels have a value there, in whole pixels and parts of such.
    names
        Column of a table, or property of GeoJSON, that names the areas; by default the index, or numbers.

    Returns
    -------
    xarray.Dataset or xarray.DataArray
        Of physical values, without y and x: with a dimension ``area`` and, of several statistics, a dimension
        ``statistic``. An area without a valid pixel has a count of 0 and NaN for all else.

    Raises
    ------
    InvalidInput
        What was given is no area, or all areas lie outside of the cube; a statistic that there is not.
    CubeError
        The cube has no place, or its grid is rotated.
    MissingDependency
        exactextract is not installed.

    Warns
    -----
    CubeWarning
        Some areas lie outside of the cube, and have a count of 0.

    Notes
    -----
    Parts of pixels are those of exactextract, exact for polygons in the cube's CRS.
    """
    wanted = (stats,) if isinstance(stats, str) else tuple(stats)
    _check(wanted)
    data = to_physical(cube)
    box = geobox(data)
    shapes = read(areas, box.crs, names)
    _check_grid(box)
    windows = {name: _window(shape, box) for name, shape in shapes.items()}
    _tell_outside([name for name, window in windows.items() if window is None], len(windows), box)
    zones = [_zone(shapes[name], box, window) for name, window in windows.items()]
    dims = data.odc.spatial_dims
    results = [_of_zone(data, zone, dims, wanted) for zone in zones]
    label = xr.DataArray(list(shapes), dims="area", name="area")
    result: Any = xr.concat(results, dim=label, coords="minimal", compat="override")
    alone: Data = result.isel(statistic=0, drop=True) if isinstance(stats, str) else result
    return alone


def read(areas: Any, crs: Any, names: str = "") -> dict[Any, Any]:
    """Return areas in any form as shapely geometries in a CRS, by name.

    Raises
    ------
    InvalidInput
        There is none, or one is no area.
    """
    listed = _listed(areas, names)
    if not listed:
        raise InvalidInput("there are no areas", hint=FORMS)
    return {name: _polygon(name, shape, own, crs) for name, (shape, own) in listed.items()}


def _listed(areas: Any, names: str) -> dict[Any, tuple[Any, Any]]:
    if isinstance(areas, str) or hasattr(areas, "__fspath__"):
        areas = _parsed(files.content(areas))
    table: Any = getattr(areas, "geometry", None)
    if hasattr(table, "crs"):  # of geopandas
        labels = areas[names] if names else table.index
        return dict(zip(labels, ((shape, table.crs) for shape in table), strict=True))
    if isinstance(areas, Mapping) and areas.get("type") == "FeatureCollection":
        features = areas.get("features") or []
        labels = [_label(each, names, number) for number, each in enumerate(features)]
        return {
            name: (shape_of(each), DEGREES) for name, each in zip(labels, features, strict=True)
        }
    if isinstance(areas, Mapping) and "type" not in areas:
        return {name: (shape_of(each), DEGREES) for name, each in areas.items()}
    several = isinstance(areas, list | tuple) and (not areas or not _numbers(areas))
    members = areas if several else [areas]
    return {number: (shape_of(each), DEGREES) for number, each in enumerate(members)}


def _parsed(content: Any) -> Any:
    """Return GeoJSON as a dictionary; tables, and texts of another kind, as they are."""
    text = content.strip() if isinstance(content, str) else ""
    return json.loads(text) if text.startswith("{") else content


def _label(feature: Mapping[str, Any], names: str, number: int) -> Any:
    known = feature.get("properties") or {}
    if names and names not in known:
        advice = near(names, list(known), count=1) or f"there are {', '.join(known)}"
        raise InvalidInput(f"a feature has no property {names!r}", hint=advice)
    return known[names] if names else feature.get("id", number)


def _numbers(value: Sequence[Any]) -> bool:
    return all(np.isscalar(one) for one in value)


def _polygon(name: Any, shape: Any, own: Any, crs: Any) -> Any:
    import shapely
    from pyproj import CRS, Transformer

    if shape is None or shape.is_empty or shape.geom_type not in ("Polygon", "MultiPolygon"):
        what = "nothing" if shape is None else f"a {shape.geom_type}"
        raise InvalidInput(f"the area {name!r} is {what}: polygons are needed", hint=FORMS)
    source, target = CRS.from_user_input(own or DEGREES), CRS.from_user_input(crs.to_wkt())
    if source == target:
        return shape
    west, south, east, north = shape.bounds
    step = max(east - west, north - south) / DENSE
    turn = Transformer.from_crs(source, target, always_xy=True).transform
    dense = shapely.segmentize(shape, step) if step else shape
    return shapely.transform(dense, lambda corners: np.column_stack(turn(*corners.T)))


def _check_grid(box: Any) -> None:
    if box.affine.b or box.affine.d:
        raise CubeError(
            "the grid of this cube is rotated",
            hint="load it on a straight one: gd.load(..., crs=...)",
        )


def _tell_outside(names: Sequence[Any], total: int, box: Any) -> None:
    """Warn of areas outside of the cube; where all are, that is an error."""
    if not names:
        return
    shown = ", ".join(map(repr, names[:3])) + (", ..." if len(names) > 3 else "")
    text = f"{len(names)} of {total} areas lie outside of the cube: {shown}"
    if len(names) == total:
        raise InvalidInput(text, hint=f"it covers {extent(box)}")
    warnings.warn(text, CubeWarning, stacklevel=3)


def _zone(shape: Any, box: Any, window: tuple[slice, slice] | None) -> Zone:
    """Return the pixels of an area, and which part of each lies inside."""
    if window is None:  # any pixel, of which no part lies inside
        return Zone(slice(1), slice(1), np.zeros((1, 1), "float32"))
    extract = need("exactextract", extra="cubes")
    rows, columns = window
    part = box[window]
    west, south, east, north = part.boundingbox
    zeros = np.zeros(part.shape, "float32")
    raster = extract.raster.NumPyRasterSource(zeros, xmin=west, ymin=south, xmax=east, ymax=north)
    feature = {"type": "Feature", "properties": {}, "geometry": shape.__geo_interface__}
    [told] = extract.exact_extract(raster, [feature], ["cell_id", "coverage"])
    weights = np.zeros(zeros.size, "float32")
    weights[told["properties"]["cell_id"]] = told["properties"]["coverage"]
    weights = weights.reshape(zeros.shape)
    weights = weights[::-1] if box.affine.e > 0 else weights
    return Zone(rows, columns, weights[:, ::-1] if box.affine.a < 0 else weights)


def _window(shape: Any, box: Any) -> tuple[slice, slice] | None:
    """Return the rows and columns that an area reaches, None where there are none."""
    west, south, east, north = shape.bounds
    columns, rows = ~box.affine @ (
        np.array([west, west, east, east]),
        np.array([south, north, south, north]),
    )
    found = []
    for places, size in ((rows, box.shape[0]), (columns, box.shape[1])):
        first, last = max(int(np.floor(places.min())), 0), min(int(np.ceil(places.max())), size)
        if first >= last:
            return None
        found.append(slice(first, last))
    return found[0], found[1]


def _of_zone(data: Any, zone: Zone, dims: Any, stats: Sequence[str]) -> Any:
    down, across = dims
    part = data.isel({down: zone.rows, across: zone.columns})
    weights = xr.DataArray(zone.weights, dims=dims)
    results = [STATISTICS[stat](part, weights, list(dims)) for stat in stats]
    result = xr.concat(results, dim=xr.DataArray(list(stats), dims="statistic", name="statistic"))
    return result.drop_vars([down, across], errors="ignore")


def _count(part: Any, weights: xr.DataArray, dims: list[Any]) -> Any:
    return (
        weights.where(part.notnull(), 0.0).sum(dims)
        if isinstance(part, xr.DataArray)
        else part.map(_count, args=(weights, dims))
    )


def _mean(part: Any, weights: xr.DataArray, dims: list[Any]) -> Any:
    return part.weighted(weights).mean(dims)


def _sum(part: Any, weights: xr.DataArray, dims: list[Any]) -> Any:
    return (part.where(weights > 0) * weights).sum(dims, min_count=1)


def _std(part: Any, weights: xr.DataArray, dims: list[Any]) -> Any:
    return part.weighted(weights).std(dims)


def _min(part: Any, weights: xr.DataArray, dims: list[Any]) -> Any:
    return part.where(weights > 0).min(dims)


def _max(part: Any, weights: xr.DataArray, dims: list[Any]) -> Any:
    return part.where(weights > 0).max(dims)


STATISTICS: dict[str, Callable[[Any, xr.DataArray, list[Any]], Any]] = {
    "count": _count,
    "max": _max,
    "mean": _mean,
    "min": _min,
    "std": _std,
    "sum": _sum,
}
"""What `zonal` can tell of an area."""


def _check(stats: Sequence[str]) -> None:
    for stat in stats:
        if stat not in STATISTICS:
            advice = near(stat, STATISTICS, count=1) or f"there are {', '.join(STATISTICS)}"
            raise InvalidInput(f"there is no statistic {stat!r}", hint=advice)
    if not stats:
        raise InvalidInput("no statistic is wanted", hint=f"there are {', '.join(STATISTICS)}")

"""Values of a cube at points: time series of a station, of a field's middle, of a list of places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import xarray as xr

from geodes_datalab._inputs.shapes import shape_of
from geodes_datalab.errors import CubeError, InvalidInput
from geodes_datalab.ops.packing import to_physical

Data = TypeVar("Data", xr.Dataset, xr.DataArray)
Floats = npt.NDArray[np.float64]

DEGREES = "EPSG:4326"
FORMS = (
    'write one as (longitude, latitude), several as [(1.44, 43.60), ...] or {"station": (1.44, 43.60)}, or '
    "give shapely or geopandas points"
)


@dataclass(frozen=True)
class Points:
    """Places with names."""

    names: tuple[Any, ...]
    x: Floats
    y: Floats
    crs: Any
    single: bool = False
    """One was given, not a list of one."""


def at(cube: Data, points: Any, *, crs: Any = DEGREES) -> Data:
    """Return the values of the pixels in which points lie.

    Parameters
    ----------
    cube
        Cube or band with y, x and a CRS; lazy ones stay lazy.
    points
        ``(x, y)``; a list of such; a mapping of names to such; shapely points, GeoJSON or a table of
        geopandas, which has its own CRS.
    crs
        Of plain numbers: longitude and latitude in degrees unless said otherwise.

    Returns
    -------
    xarray.Dataset or xarray.DataArray
        Physical values, without y and x: with a dimension ``point`` (its labels are the names, else
        numbers), which one single point has not. Coordinates ``longitude`` and ``latitude`` say where.

    Raises
    ------
    InvalidInput
        What was given is no point, or lies outside of the cube.
    CubeError
        The cube has no place.

    Examples
    --------
    >>> import odc.geo.xr
    >>> cube = xr.DataArray([[1.0, 2.0], [3.0, 4.0]], coords={"latitude": [1.5, 0.5], "longitude": [0.5, 1.5]})
    >>> cube = cube.odc.assign_crs("EPSG:4326")
    >>> float(at(cube, (1.2, 0.3)))
    4.0
    >>> at(cube, {"a": (0.1, 1.9), "b": (1.9, 1.9)}).values.tolist()
    [1.0, 2.0]
    """
    data = to_physical(cube)
    box = geobox(data)
    given = read(points, crs)
    columns, rows = _pixels(given, box)
    down, across = data.odc.spatial_dims
    where: dict[Any, Any] = {down: rows, across: columns}
    if given.single:
        where = {dim: int(index[0]) for dim, index in where.items()}
    else:
        where = {dim: xr.DataArray(index, dims="point") for dim, index in where.items()}
    longitude, latitude = _turned(given, DEGREES)
    dims: Any = () if given.single else "point"
    coords = {
        "longitude": (dims, longitude[0] if given.single else longitude, {"units": "degrees_east"}),
        "latitude": (dims, latitude[0] if given.single else latitude, {"units": "degrees_north"}),
    }
    if not given.single:
        coords["point"] = ("point", list(given.names), {})
    values = data.isel(where).drop_vars([down, across], errors="ignore")
    return values.assign_coords(coords)


def geobox(data: xr.Dataset | xr.DataArray) -> Any:
    """Return where the pixels of a cube lie.

    Raises
    ------
    CubeError
        It has no y and x, or no CRS.
    """
    import odc.geo.xr  # noqa: F401 - gives arrays their .odc

    box = data.odc.geobox
    if box is None or box.crs is None:
        raise CubeError(
            "this cube has no place: y, x and a CRS are needed",
            hint='say which CRS: cube.odc.assign_crs("EPSG:32631")',
        )
    return box


def read(points: Any, crs: Any) -> Points:
    """Return points in any form as columns of numbers.

    Raises
    ------
    InvalidInput
        They are none.
    """
    if (pair := _pair(points)) is not None:
        return Points((0,), np.array(pair[:1]), np.array(pair[1:]), crs, single=True)
    if isinstance(points, Mapping) and "type" not in points:
        pairs = [_needed(_pair(value), value) for value in points.values()]
        return Points(tuple(points), *_columns(pairs), crs)
    if isinstance(points, list | tuple) and points and all(_pair(one) for one in points):
        pairs = [_needed(_pair(value), value) for value in points]
        return Points(tuple(range(len(pairs))), *_columns(pairs), crs)
    return _of_shapes(points)


def _of_shapes(points: Any) -> Points:
    """Read geometries; those with a CRS of their own are brought to degrees."""
    table: Any = getattr(points, "geometry", None)  # of geopandas: a series of its own
    several = isinstance(table, Iterable)
    if several and getattr(table, "crs", None) is not None:
        table = table.to_crs(DEGREES)
    shapes: list[Any] = [shape_of(member) for member in (table if several else [points])]
    names = tuple(table.index) if several else ()
    parts = [part for shape in shapes for part in getattr(shape, "geoms", (shape,))]
    if wrong := next((part for part in parts if part.geom_type != "Point"), None):
        raise InvalidInput(f"a {wrong.geom_type} is no point", hint=FORMS)
    pairs = [(part.x, part.y) for part in parts]
    names = names if len(names) == len(pairs) else tuple(range(len(pairs)))
    single = not several and len(pairs) == 1
    return Points(names, *_columns(pairs), DEGREES, single=single)


def _pair(value: Any) -> tuple[float, float] | None:
    """Return two numbers; None where it is something else."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        return None
    members = list(value)
    if len(members) != 2 or not all(isinstance(one, Real) for one in members):
        return None
    return float(members[0]), float(members[1])


def _needed(pair: tuple[float, float] | None, value: Any) -> tuple[float, float]:
    if pair is None or not np.isfinite(pair).all():
        raise InvalidInput(f"{value!r} is no point", hint=FORMS)
    return pair


def _columns(pairs: list[tuple[float, float]]) -> tuple[Floats, Floats]:
    values = np.asarray(pairs, "float64").reshape(-1, 2)
    if not len(values) or not np.isfinite(values).all():
        raise InvalidInput("there are no points, or some have no numbers", hint=FORMS)
    return values[:, 0], values[:, 1]


def _turned(points: Points, crs: Any) -> tuple[Floats, Floats]:
    from pyproj import CRS, Transformer

    from_crs, to_crs = CRS.from_user_input(points.crs), CRS.from_user_input(crs)
    transformer = Transformer.from_crs(from_crs, to_crs, always_xy=True)
    x, y = transformer.transform(points.x, points.y)
    return np.atleast_1d(x), np.atleast_1d(y)


def _pixels(points: Points, box: Any) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return column and row of each point."""
    x, y = _turned(points, box.crs.to_wkt())
    columns, rows = ~box.affine @ (x, y)
    height, width = box.shape
    with np.errstate(invalid="ignore"):
        inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    if not inside.all():
        raise _outside(points, ~inside, box)
    return columns.astype(np.intp), rows.astype(np.intp)


def _outside(points: Points, out: npt.NDArray[np.bool_], box: Any) -> InvalidInput:
    missed = list(np.flatnonzero(out))
    shown = ", ".join(
        f"{points.names[index]!r} ({points.x[index]:g}, {points.y[index]:g})"
        for index in missed[:3]
    )
    return InvalidInput(
        f"{len(missed)} of {len(out)} points lie outside of the cube: {shown}"
        + (" ..." if len(missed) > 3 else ""),
        hint=f"it covers {extent(box)}; points are (longitude, latitude), or say their crs=",
    )


def extent(box: Any) -> str:
    """Return where a grid lies, in words."""
    west, south, east, north = box.geographic_extent.boundingbox
    return f"longitudes {west:.4g} to {east:.4g} and latitudes {south:.4g} to {north:.4g}"

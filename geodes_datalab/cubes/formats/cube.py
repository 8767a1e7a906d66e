"""Cubes of products that are opened one by one: grids are put onto one, swaths and points into pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox

import geodes_datalab
from geodes_datalab._display import some
from geodes_datalab._types import Json
from geodes_datalab.cubes import attributes
from geodes_datalab.cubes.formats import binned, gridded
from geodes_datalab.cubes.formats.asked import Asked, Opened
from geodes_datalab.cubes.formats.opening import opened
from geodes_datalab.cubes.formats.registry import Wanted
from geodes_datalab.cubes.parse.products import no_cube, start_of, title_of
from geodes_datalab.cubes.plan.model import GroupBy, group
from geodes_datalab.stac.readers import Layout, Reader


class Slice(NamedTuple):
    """What one product holds of one time."""

    start: datetime
    id: str
    values: xr.Dataset


Placing = Callable[[Sequence[Opened], Asked], tuple[list[xr.Dataset], GeoBox]]
"""Puts products onto one grid, with a dimension ``time``; returns them and the grid."""


def made(items: Sequence[Json], reader: Reader, asked: Asked) -> xr.Dataset:
    """Make a cube of products that lie on grids, along paths or at points.

    Parameters
    ----------
    items
        Item dictionaries of one collection.
    reader
        What describes it.
    asked
        What the user said.

    Returns
    -------
    xarray.Dataset
        Dimensions (time, y, x), lazy.

    Raises
    ------
    CubeError
        Such products make no cube; or it is not said of which pixels.
    """
    refuse_no_cube(reader, items, asked.resolution)
    place: Placing = gridded.placed if reader.layout == "grid" else binned.placed
    found = opened(
        items, reader, Wanted(asked.bands, asked.area), folder=asked.folder, consent=asked.consent,
        progress=asked.progress,
    )  # fmt: skip
    products = [
        Opened(str(item["id"]), start_of(item), one)
        for one, item in zip(cast("list[xr.Dataset]", found), items, strict=True)
    ]
    placed, geobox = place(products, asked)
    pairs = zip(placed, products, strict=True)
    parts = [part for one, product in pairs for part in slices(one, product.id)]
    cube = stacked(parts, geobox, asked.groupby, reader.layout)
    titles = sorted({title_of(item) for item in items})
    return cube.assign_attrs(_about(reader, titles, cube))


def refuse_no_cube(reader: Reader, items: Sequence[Json], resolution: Any) -> None:
    """Refuse products of which no cube is made, or for which nobody says of which pixels.

    Raises
    ------
    CubeError
        Such they are.
    """
    in_pixels = reader.layout in ("swath", "points") and resolution is not None
    if reader.layout != "grid" and not in_pixels:
        raise no_cube(reader, items)


def slices(one: xr.Dataset, name: str) -> list[Slice]:
    """Return what a product holds of each of its times."""
    times = pd.DatetimeIndex(one["time"].values)
    return [
        Slice(time.to_pydatetime(), name, one.isel(time=place)) for place, time in enumerate(times)
    ]


def stacked(parts: Sequence[Slice], geobox: GeoBox, how: GroupBy, layout: Layout) -> xr.Dataset:
    """Make time steps: within each, the earlier wins where two have values."""
    longitude = float(geobox.extent.to_crs("EPSG:4326").centroid.points[0][0])
    steps = group([one.start for one in parts], [one.id for one in parts], how, longitude)
    together = first if layout == "grid" else binned.pooled
    cubes = [together([parts[place].values for place in step]) for step in steps]
    times = [parts[step[0]].start for step in steps]
    cube = xr.concat(
        [one.drop_vars("time", errors="ignore") for one in cubes], "time", join="override",
        combine_attrs="drop_conflicts", data_vars="all", coords="minimal", compat="override",
    )  # fmt: skip
    spatial = {
        name: value
        for name, value in attributes.coordinates(geobox, times).items()
        if name in ("time", "spatial_ref") or name in cube.dims
    }
    own = _own(cubes)
    cube = cube.drop_vars(["spatial_ref", *own], errors="ignore").assign_coords(spatial | own)
    for variable in cube.data_vars.values():
        variable.encoding = {"grid_mapping": "spatial_ref"}
    return cube


def _own(steps: Sequence[xr.Dataset]) -> dict[str, Any]:
    """Return what products tell of themselves alone, such as cycle and pass, for each time step."""
    names = [
        str(name)
        for name, one in steps[0].coords.items()
        if one.ndim == 0 and name not in ("time", "spatial_ref")
    ]
    return {
        name: ("time", [step[name].item() for step in steps], steps[0][name].attrs)
        for name in names
        if all(name in step.coords for step in steps)
    }


def first(found: Sequence[xr.Dataset]) -> xr.Dataset:
    """Return of several products the first value of each pixel that is one."""
    result = found[0]
    for other in found[1:]:
        result = xr.Dataset(
            {name: _first(result, other, name) for name in {**result.data_vars, **other.data_vars}},
            attrs=result.attrs,
        )
    return result


def _first(one: xr.Dataset, other: xr.Dataset, name: Any) -> xr.DataArray:
    mine: xr.DataArray = (one if name in one else other)[name]
    if name not in one or name not in other:
        return mine
    missing = mine.attrs.get("nodata")
    there: Any = mine.notnull() if missing is None else mine != missing
    result: xr.DataArray = mine.where(there, other[name]).astype(mine.dtype)
    return result.assign_attrs(mine.attrs)


def _about(reader: Reader, titles: Sequence[str], cube: xr.Dataset) -> dict[str, Any]:
    first_day, last_day = (str(cube["time"].values[place])[:10] for place in (0, -1))
    now = pd.Timestamp.now("UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "Conventions": "CF-1.11",
        "title": f"{reader.collection}, {first_day} to {last_day}",
        "source": some(titles, 20),
        "history": f"{now} geodes_datalab.load {geodes_datalab.__version__}",
    }

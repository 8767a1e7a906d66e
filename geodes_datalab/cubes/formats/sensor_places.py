"""Places of what a sensor saw: longitude and latitude of each pixel, lazily, from a coarse net of places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr

from geodes_datalab.cubes.formats.images import BLOCK

STEP = 128
"""Pixels between the places of a net made from polynomials."""


class Net(NamedTuple):
    """Places at some lines and pixels, counted from 0 at the centre of the first."""

    lines: npt.NDArray[Any]
    pixels: npt.NDArray[Any]
    longitude: npt.NDArray[Any]
    """(lines, pixels), in degrees."""
    latitude: npt.NDArray[Any]


def of_corners(told: Sequence[tuple[float, float, float, float]]) -> Net | None:
    """Return the net of four corners (pixel, line, longitude, latitude); None where they are no rectangle."""
    if len(told) < 4:
        return None
    lines = np.unique([item[1] for item in told])
    pixels = np.unique([item[0] for item in told])
    at = {(item[1], item[0]): item[2:] for item in told}
    if len(lines) != 2 or len(pixels) != 2 or len(at) != 4:
        return None
    both = np.array([[at[line, pixel] for pixel in pixels] for line in lines])
    east = both[..., 0]
    if np.ptp(east) > 180:  # across the date line
        east = np.where(east < 0, east + 360, east)
    return Net(lines, pixels, east, both[..., 1])


def of_polynomials(rpcs: Any, height: float, rows: int, columns: int) -> Net:
    """Return a net of rational polynomials (RPC) at one height above the ellipsoid, in metres."""
    from rasterio.transform import RPCTransformer

    lines, pixels = _every(rows), _every(columns)
    grid = np.meshgrid(lines, pixels, indexing="ij")
    with RPCTransformer(rpcs, RPC_HEIGHT=height, RPC_PIXEL_ERROR_THRESHOLD=0.001) as transformer:
        east, north = transformer.xy(grid[0].ravel(), grid[1].ravel(), offset="center")
    size = grid[0].shape
    return Net(lines, pixels, np.reshape(east, size), np.reshape(north, size))


def _every(count: int) -> npt.NDArray[Any]:
    return np.linspace(0, count - 1, max(2, -(-count // STEP) + 1))


def located(dataset: xr.Dataset, net: Net, comment: str) -> xr.Dataset:
    """Give a dataset (line, pixel) its longitudes and latitudes.

    Parameters
    ----------
    dataset
        With dimensions line and pixel.
    net
        Places between which is interpolated.
    comment
        How sure they are.
    """
    rows, columns = dataset.sizes["line"], dataset.sizes["pixel"]
    named = {
        "longitude": ("degrees_east", net.longitude),
        "latitude": ("degrees_north", net.latitude),
    }
    coords = {
        name: (("line", "pixel"), _lazy(net, values, rows, columns),
               {"standard_name": name, "long_name": name, "units": units, "comment": comment})
        for name, (units, values) in named.items()
    }  # fmt: skip
    return dataset.assign_coords(coords)


def _lazy(net: Net, values: npt.NDArray[Any], rows: int, columns: int) -> Any:
    return da.blockwise(
        _between, "lp", da.arange(rows, chunks=BLOCK), "l", da.arange(columns, chunks=BLOCK), "p",
        net=(net.lines, net.pixels, values), turned=values is net.longitude, dtype="float64",
        meta=np.empty((0, 0)),
    )  # fmt: skip


def _between(
    lines: npt.NDArray[Any], pixels: npt.NDArray[Any], net: tuple[Any, Any, Any], *, turned: bool
) -> npt.NDArray[Any]:
    """Interpolate linearly between a net's places, and go on beyond its border."""
    at, where, values = net
    row, down = _weights(at, lines)
    column, right = _weights(where, pixels)
    right, down = right[None, :], down[:, None]
    first = values[row][:, column] * (1 - right) + values[row][:, column + 1] * right
    second = values[row + 1][:, column] * (1 - right) + values[row + 1][:, column + 1] * right
    result = np.asarray(first * (1 - down) + second * down)
    return (result + 180) % 360 - 180 if turned else result


def _weights(at: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> tuple[Any, Any]:
    below = np.clip(np.searchsorted(at, wanted, "right") - 1, 0, len(at) - 2)
    return below, (wanted - at[below]) / (at[below + 1] - at[below])

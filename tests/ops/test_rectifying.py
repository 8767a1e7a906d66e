"""Images of sensors on a map: pixels lie where their places are."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from pyproj import Transformer

from geodes_datalab import ops
from geodes_datalab.errors import CubeError


def turned(south: bool = False) -> xr.Dataset:
    """An image that is turned on the map, whose values are its own longitudes and latitudes."""
    pixel, line = np.meshgrid(np.arange(200) / 199, np.arange(150) / 149)
    east = 1.10 + 0.08 * pixel - 0.015 * line
    north = (-43.9 if south else 43.9) - 0.012 * pixel - 0.05 * line
    dims = ("line", "pixel")
    return xr.Dataset(
        {"east": (dims, east), "north": (dims, north)},
        coords={"longitude": (dims, east), "latitude": (dims, north)},
    )


@pytest.mark.parametrize("crs", [None, "EPSG:2154", "EPSG:4326"])
def test_pixels_lie_at_their_places(crs: str | None) -> None:
    result = ops.rectify(turned(), crs)
    names = [str(name) for name in result.east.dims]
    assert crs is None or f"EPSG:{result.odc.crs.to_epsg()}" == crs
    y, x = np.meshgrid(result[names[0]], result[names[1]], indexing="ij")
    lon, lat = Transformer.from_crs(result.odc.crs, 4326, always_xy=True).transform(x, y)
    seen = np.isfinite(result.east.values)
    assert 0.5 < seen.mean() < 1  # turned: its corners are empty
    assert np.abs(result.east.values - lon)[seen].max() < 0.08 / 199
    assert np.abs(result.north.values - lat)[seen].max() < 0.05 / 149


def test_zone_is_that_of_the_centre() -> None:
    assert ops.rectify(turned()).odc.crs.to_epsg() == 32631
    assert ops.rectify(turned(south=True)).odc.crs.to_epsg() == 32731


def test_resolution_is_as_asked_and_the_result_tells_its_limits() -> None:
    result = ops.rectify(turned(), resolution=100)
    assert abs(result.odc.geobox.resolution.x) == 100
    assert "without a terrain model" in result.attrs["rectification"]


def test_without_places_is_refused() -> None:
    with pytest.raises(CubeError, match="no longitude and latitude"):
        ops.rectify(turned().drop_vars(["longitude", "latitude"]))

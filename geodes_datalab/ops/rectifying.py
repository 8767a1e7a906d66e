"""What a sensor saw, put onto a map by the places of its pixels."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import xarray as xr

from geodes_datalab.errors import CubeError

Numbers: TypeAlias = "npt.NDArray[Any]"

_SIDE = 9
"""Places along each side of an image by which it is put onto a map."""


def rectify(dataset: xr.Dataset, crs: Any = None, resolution: float | None = None) -> xr.Dataset:
    """Put an image in the geometry of its sensor onto a map grid, by its longitudes and latitudes.

    Parameters
    ----------
    dataset
        With dimensions line and pixel, and coordinates longitude and latitude of them, such as
        `geodes_datalab.open` returns of SPOT and Pleiades.
    crs
        Of the map; the UTM zone of the image's centre when None.
    resolution
        Side of a pixel in units of the CRS; that of the image when None.

    Returns
    -------
    xarray.Dataset
        With dimensions y and x (latitude and longitude, where the CRS is in degrees); each pixel has the value of the nearest one, NaN outside of the image. Lazy.

    Raises
    ------
    CubeError
        The dataset has no places, or they are missing in part of it.

    Notes
    -----
    No terrain model is used: the map is as right as the places are. With places between the corners of a
    SPOT scene, or by polynomials at one height, relief moves pixels by tens to hundreds of metres. The
    places are taken at 9 by 9 pixels; polynomials of degree 3 go through them, and the attribute
    ``rectification`` tells by how much they miss.

    Examples
    --------
    >>> import numpy as np
    >>> east, north = np.meshgrid(1.44 + np.arange(40) / 4000, 43.6 - np.arange(30) / 4000)
    >>> places = {"longitude": (("line", "pixel"), east), "latitude": (("line", "pixel"), north)}
    >>> scene = xr.Dataset({"red": (("line", "pixel"), np.ones((30, 40)))}, coords=places)
    >>> rectify(scene).red.dims
    ('y', 'x')
    """
    import dask.array as da
    import odc.geo.xr
    from dask.delayed import delayed

    lines, pixels, east, north = _points(dataset)
    target = crs or _zone(east, north)
    box, planar = _grid(target, resolution, (lines, pixels, east, north))
    fit, missed = _fitted(planar, lines, pixels)
    shape = dataset.sizes["line"], dataset.sizes["pixel"]
    warp = delayed(_warped, pure=True)
    result = {}
    for name, values in dataset.data_vars.items():
        if values.dims != ("line", "pixel"):
            continue
        part = da.from_delayed(warp(values.data, fit, box, shape), box.shape, "float32")
        result[name] = odc.geo.xr.wrap_xr(part, box).assign_attrs(values.attrs)
    told = (
        "put onto a map by longitude and latitude, without a terrain model; the map agrees with them "
        f"to {missed:.2f} pixels"
    )
    return xr.Dataset(result, attrs={**dataset.attrs, "rectification": told})


def _points(dataset: xr.Dataset) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Return lines, pixels, longitudes and latitudes of some places."""
    if not {"longitude", "latitude"} <= set(dataset.coords) or not {"line", "pixel"} <= set(
        dataset.sizes
    ):
        raise CubeError(
            "the dataset has no longitude and latitude of its lines and pixels",
            hint="open a product with geodes_datalab.open(item): those of SPOT and Pleiades have them",
        )
    lines, pixels = (
        np.unique(np.linspace(0, dataset.sizes[name] - 1, _SIDE).round().astype(int))
        for name in ("line", "pixel")
    )
    here = dataset[["longitude", "latitude"]].isel(line=lines, pixel=pixels)
    east, north = (here[name].compute().values for name in ("longitude", "latitude"))
    if not (np.isfinite(east).all() and np.isfinite(north).all()):
        raise CubeError("places are missing in part of the image", hint="cut that part off")
    if np.ptp(east) > 180:  # across the date line
        east = np.where(east < 0, east + 360, east)
    at = np.meshgrid(lines, pixels, indexing="ij")
    return at[0].astype(float), at[1].astype(float), east, north


def _zone(east: Numbers, north: Numbers) -> str:
    """Return the UTM zone of the middle of some places."""
    zone = int((float(east.mean()) + 180) // 6) % 60 + 1
    return f"EPSG:{32600 + zone if north.mean() >= 0 else 32700 + zone}"


def _grid(
    crs: Any, resolution: float | None, net: tuple[Numbers, ...]
) -> tuple[Any, tuple[Numbers, Numbers]]:
    """Return the map grid of some places, and where they lie in its CRS."""
    from odc.geo.geobox import GeoBox
    from rasterio.warp import transform

    lines, pixels, east, north = net
    found = transform("EPSG:4326", crs, east.ravel().tolist(), north.ravel().tolist())
    x, y = (np.reshape(values, east.shape) for values in found[:2])
    if resolution is None:
        down = np.hypot(np.diff(x, axis=0), np.diff(y, axis=0)) / np.diff(lines, axis=0)
        right = np.hypot(np.diff(x, axis=1), np.diff(y, axis=1)) / np.diff(pixels, axis=1)
        resolution = float(min(np.median(down), np.median(right)))
    half = resolution / 2
    bounds = (x.min() - half, y.min() - half, x.max() + half, y.max() + half)
    return GeoBox.from_bbox(bounds, crs, resolution=resolution, tight=True), (x, y)


def _fitted(planar: tuple[Numbers, Numbers], lines: Numbers, pixels: Numbers) -> tuple[Any, float]:
    """Return the polynomials from a map to lines and pixels, and by how many pixels they miss places."""
    x, y = planar
    middle, scale = (x.mean(), y.mean()), (np.ptp(x) / 2, np.ptp(y) / 2)
    terms = _terms((x - middle[0]) / scale[0], (y - middle[1]) / scale[1]).reshape(10, -1).T
    wanted = np.stack([lines.ravel(), pixels.ravel()], axis=1)
    factors = np.linalg.lstsq(terms, wanted, rcond=None)[0]
    missed = float(np.hypot(*(terms @ factors - wanted).T).max())
    return (middle, scale, factors), missed


def _terms(x: Numbers, y: Numbers) -> Numbers:
    """Return the terms of a polynomial of degree 3."""
    return np.stack([x**a * y**b for a in range(4) for b in range(4 - a)])


def _warped(values: Numbers, fit: Any, box: Any, shape: tuple[int, int]) -> Numbers:
    middle, scale, factors = fit
    result = np.full(box.shape, np.nan, "float32")
    columns = np.arange(box.shape[1])
    for row in range(box.shape[0]):  # one by one: memory of a row, not of the map
        x = box.affine.c + box.affine.a * (columns + 0.5)
        y = np.full(len(columns), box.affine.f + box.affine.e * (row + 0.5))
        terms = _terms((x - middle[0]) / scale[0], (y - middle[1]) / scale[1])
        line, pixel = np.rint(factors.T @ terms).astype(int)
        inside = (line >= 0) & (line < shape[0]) & (pixel >= 0) & (pixel < shape[1])
        result[row, inside] = values[line[inside], pixel[inside]]
    return result

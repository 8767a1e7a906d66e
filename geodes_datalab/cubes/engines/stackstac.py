"""The second engine: stackstac's graph, with odc-stac's grid, reading and mosaicking.

stackstac 0.5.1 by itself would give another grid (it reads ``proj:epsg`` only, which pystac no longer
writes), float64, full resolution where an overview would do, and coordinates that cannot be saved.
So it is given dictionaries with all of that spelt out, and a reader of our own. Its graph is
blockwise, hence small: it suits very many products.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling

from geodes_datalab._optional import need
from geodes_datalab.cubes.engines.odc import load_params
from geodes_datalab.cubes.grid import seam
from geodes_datalab.cubes.grid.boxes import step
from geodes_datalab.cubes.plan.model import Layer, Plan, Product
from geodes_datalab.cubes.read.pixels import Source, read_pixels
from geodes_datalab.errors import CubeError


@dataclass(frozen=True)
class ReaderOf:
    """Makes stackstac's readers for one variable; takes the place of a reader class."""

    layer: Layer

    def __call__(self, *, url: Source, spec: Any, **_: Any) -> Reader:
        """Return a reader; ``url`` is the source that stood as ``href``."""
        geobox = GeoBox(spec.shape, spec.transform, spec.epsg)
        return Reader(url, self.layer, geobox)


@dataclass(frozen=True)
class Reader:
    """stackstac's reader protocol on top of `read_pixels`."""

    source: Source
    layer: Layer
    geobox: GeoBox

    def read(self, window: Any, **_: Any) -> Any:
        """Read a window of the output grid (y, x)."""
        rows, columns = window.toslices()
        part = self.geobox[rows, columns]
        pixels = np.full(part.shape, self.layer.fill, self.layer.dtype)
        where, result = read_pixels(self.source, load_params(self.layer), part)
        pixels[where] = result
        return pixels

    def close(self) -> None:
        """Nothing stays open between reads."""


def arrays(plan: Plan, chunks: Mapping[str, int]) -> dict[str, Any]:
    """Build a lazy array (time, y, x) for each variable; see `odc_engine.arrays`."""
    return {layer.name: _array(plan, layer, chunks) for layer in plan.layers}


def _array(plan: Plan, layer: Layer, chunks: Mapping[str, int]) -> Any:
    import dask.array as da

    planes = _planes(plan, layer, chunks)
    shape = tuple(plan.geobox.shape)
    blank = da.full(shape, layer.fill, dtype=layer.dtype, chunks=(chunks["y"], chunks["x"]))
    steps = [
        _mosaic([planes[index] for index in group if index in planes], layer.fill, blank)
        for group in plan.groups
    ]
    return da.stack(steps).rechunk({0: chunks["time"]})


def _planes(plan: Plan, layer: Layer, chunks: Mapping[str, int]) -> dict[int, Any]:
    """Return a lazy array (y, x) for each product that has the variable and touches the grid."""
    stackstac = need("stackstac", extra="cubes")
    items = [
        _item(index, product, layer, plan.geobox)
        for index, product in enumerate(plan.products)
        if layer.name in product.sources
    ]
    if not items:
        return {}
    dtype = np.dtype(layer.dtype)
    stack = stackstac.stack(
        items,
        assets=[layer.name],
        epsg=_epsg(plan.geobox),
        resolution=step(plan.geobox),
        bounds=tuple(plan.geobox.boundingbox),
        snap_bounds=False,  # the plan's bounds lie on pixel edges already
        resampling=Resampling[layer.resampling],
        chunksize=(1, 1, chunks["y"], chunks["x"]),
        dtype=dtype,
        fill_value=dtype.type(layer.fill),
        rescale=False,
        sortby_date=False,
        xy_coords=False,
        properties=False,
        band_coords=False,
        reader=ReaderOf(layer),
    )
    _refuse_other_grid(stack, plan.geobox)
    return {int(index): stack.data[row, 0] for row, index in enumerate(stack["id"].values)}


def _refuse_other_grid(stack: Any, geobox: GeoBox) -> None:
    if stack.shape[2:] != tuple(geobox.shape):
        raise CubeError(
            f"stackstac made a grid of {stack.shape[2:]} pixels instead of {geobox.shape}",
            hint='use engine="odc", and report this',
        )


def _item(index: int, product: Product, layer: Layer, geobox: GeoBox) -> dict[str, Any]:
    """Describe a product; one beyond a seam, which stackstac would take to lie elsewhere, as the cube."""
    known = seam.shown(product.grid, geobox.crs) and not seam.at(product.grid, geobox)
    grid = product.grid if known else geobox
    return {
        "id": str(index),
        "properties": {"datetime": product.start.isoformat()},
        "assets": {
            layer.name: {
                "href": product.sources[layer.name],
                "proj:epsg": _epsg(grid),
                "proj:shape": list(grid.shape),
                "proj:transform": list(grid.transform)[:6],
            }
        },
    }


def _epsg(geobox: GeoBox) -> int:
    code: int | None = geobox.crs.epsg if geobox.crs is not None else None
    if code is None:
        raise CubeError(
            "stackstac knows coordinate systems by EPSG code only, and this one has none",
            hint='use engine="odc"',
        )
    return code


def _mosaic(planes: list[Any], fill: float, blank: Any) -> Any:
    """Lay planes over each other: the first that has a value wins."""
    if not planes:
        return blank
    result = planes[0]
    for plane in planes[1:]:
        result = result.map_blocks(_fill_from, plane, fill, dtype=result.dtype)
    return result


def _fill_from(above: Any, below: Any, fill: float) -> Any:
    missing = np.isnan(above) if np.isnan(fill) else above == fill
    return np.where(missing, below, above)

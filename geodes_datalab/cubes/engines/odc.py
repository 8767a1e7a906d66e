"""The default engine: odc-loader, the pixel half of odc-stac, fed with our plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from odc.geo.geobox import GeoboxTiles
from odc.loader import (
    RasterBandMetadata,
    RasterGroupMetadata,
    RasterLoadParams,
    RasterSource,
    RioDriver,
    chunked_load,
)

from geodes_datalab.cubes.grid import seam
from geodes_datalab.cubes.plan.model import Layer, Plan
from geodes_datalab.cubes.read.pixels import Source, read_pixels


class Driver(RioDriver):
    """odc-loader's driver, with GDAL's environment set where a file is read, and not captured.

    The original copies the user's GDAL options, among them headers, into every task of the graph.
    """

    def capture_env(self) -> dict[str, Any]:
        """Capture nothing."""
        return {}

    @contextmanager
    def restore_env(self, env: Any, load_state: Any) -> Iterator[Any]:
        """Restore nothing."""
        yield None

    def open(self, src: RasterSource, ctx: Any) -> Any:
        """Return a reader of one source; nothing is opened yet."""
        return Reader(src.driver_data)


class Reader:
    """odc-loader's reader protocol on top of `read_pixels`."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def read(
        self, cfg: RasterLoadParams, dst_geobox: Any, *, dst: Any = None, selection: Any = None
    ) -> Any:
        """Read the part that lies in a grid; see `read_pixels`."""
        del dst, selection  # both are for files of several bands and for loading without Dask
        return read_pixels(self._source, cfg, dst_geobox)


def load_params(layer: Layer) -> RasterLoadParams:
    """Describe a variable to odc-loader."""
    return RasterLoadParams(
        dtype=layer.dtype,
        fill_value=layer.fill,
        src_nodata_fallback=layer.fill,
        resampling=layer.resampling,
        meta=RasterBandMetadata(layer.dtype, layer.fill),
    )


def arrays(plan: Plan, chunks: Mapping[str, int]) -> dict[str, Any]:
    """Build a lazy array (time, y, x) for each variable.

    Parameters
    ----------
    plan
        What to read.
    chunks
        Pixels for ``y`` and ``x``, steps for ``time``.
    """
    tiles = GeoboxTiles(plan.geobox, (chunks["y"], chunks["x"]))
    params = {layer.name: load_params(layer) for layer in plan.layers}
    template = RasterGroupMetadata(
        {(item.name, 1): RasterBandMetadata(item.dtype, item.fill) for item in plan.layers}
    )
    sources = [
        {name: RasterSource(item.path, driver_data=item) for name, item in product.sources.items()}
        for product in plan.products
    ]
    cube = chunked_load(
        params,
        template,
        sources,
        _bins(plan, tiles),
        tiles,
        plan.times,
        {},
        Driver(),
        chunks=chunks,
    )
    return {layer.name: cube[layer.name].data for layer in plan.layers}


def _bins(plan: Plan, tiles: Any) -> dict[tuple[int, int, int], list[int]]:
    """Tell which products touch each chunk (time, y, x)."""
    grids = {product.grid for product in plan.products}
    touched = {
        grid: {tile for shape in seam.outlines(grid, plan.geobox) for tile in tiles.tiles(shape)}
        for grid in grids
    }
    bins: dict[tuple[int, int, int], list[int]] = {}
    for time, group in enumerate(plan.groups):
        for index in group:
            for row, column in touched[plan.products[index].grid]:
                bins.setdefault((time, row, column), []).append(index)
    return bins

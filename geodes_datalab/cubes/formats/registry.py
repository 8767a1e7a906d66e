"""Which module opens which kind of product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from geodes_datalab._types import Json
from geodes_datalab.errors import CubeError
from geodes_datalab.stac.readers import Reader

if TYPE_CHECKING:
    import geopandas
    import xarray as xr

    from geodes_datalab.cubes.formats.files import ProductFiles

Native: TypeAlias = "xr.Dataset | geopandas.GeoDataFrame"
"""A product as its format has it."""

OPENERS: Mapping[str, str] = {
    "dimap1": "dimap1",
    "dimap2": "dimap2",
    "gravity-grid": "gravity_grid",
    "harmonics": "harmonics",
    "hdf-grid": "hdf_grid",
    "insar-stack": "insar_stack",
    "netcdf-grid": "netcdf_grid",
    "netcdf-points": "netcdf_points",
    "netcdf-swath": "netcdf_swath",
    "safe-sar": "safe_sar",
    "vector": "vector",
}
"""Kind of product -> module in this package, which has a function `open_product`."""


@dataclass(frozen=True)
class Wanted:
    """What of a product is wanted."""

    bands: tuple[str, ...] | None = None
    """Names of bands (of the descriptor); None for all measurements."""
    area: Any = None
    """Shapely geometry in degrees (WGS 84): what lies outside of its box need not be read; None for all."""


class Opener(Protocol):
    """What each module of a kind has."""

    def __call__(self, files: ProductFiles, reader: Reader, item: Json, wanted: Wanted) -> Native:
        """Open a product.

        Parameters
        ----------
        files
            Its files, wherever they lie.
        reader
            What describes it: `Reader.for_item` was called already.
        item
            Normalised item.
        wanted
            What of it is wanted.

        Returns
        -------
        xarray.Dataset or geopandas.GeoDataFrame
            **Physical** values, lazy where they are large, NaN where there is none; each variable with
            ``units``, ``long_name`` and, where CF has one, ``standard_name``; classes and flags as integers,
            with ``flag_values`` and ``flag_meanings``. Heights say their ``vertical_datum``, and what has a
            sign ``positive``. By layout (`geodes_datalab.stac.readers.Layout`):

            grid: dimensions (y, x) or (time, y, x), pixel centres, rows downwards, CRS in ``spatial_ref``
            (`odc.geo.xr.assign_crs`).
            sensor: (line, pixel), with coordinates ``longitude`` and ``latitude`` (line, pixel) where the
            product tells places.
            swath: (line, pixel), with coordinates ``longitude``, ``latitude`` (line, pixel), ``time`` (line).
            points: (point), with coordinates ``longitude``, ``latitude``, and ``time`` where it is told.
            features: a GeoDataFrame in EPSG:4326 (or the file's own CRS), times as datetimes.
            harmonics: (degree, order).

        Raises
        ------
        FormatChanged
            The product holds other files or variables than its description.
        ArchiveError, ReadError
            A file is damaged.
        """
        ...


def opener(kind: str) -> Opener:
    """Return the function that opens products of a kind.

    Raises
    ------
    CubeError
        There is none: such products are read as maps, by `geodes_datalab.load`.
    """
    if kind not in OPENERS:
        raise CubeError(
            f"products of the kind {kind} are not opened one by one",
            hint="load them: geodes_datalab.load(items)",
        )
    module = import_module(f"geodes_datalab.cubes.formats.{OPENERS[kind]}")
    result: Opener = module.open_product
    return result

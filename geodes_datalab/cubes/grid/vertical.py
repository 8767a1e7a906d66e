"""Heights in a CRS: `load` moves pixels on the map, and leaves the heights in them as they are."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pyproj
from odc.geo import CRS

from geodes_datalab.errors import CubeError
from geodes_datalab.ops.heights import ELLIPSOID, UNNAMED, datum_of, flat

_TWO_CODES = re.compile(r"EPSG:\d+\+\d+", re.IGNORECASE)


def spelt_out(crs: str) -> str:
    """Return a CRS of two codes (``EPSG:4326+5773``) as WKT: odc-geo takes one code alone."""
    return str(pyproj.CRS(crs).to_wkt()) if _TWO_CODES.fullmatch(crs) else crs


def without_other_heights(own: Iterable[CRS | None], wanted: CRS) -> CRS:
    """Return the CRS of a cube, which never calls heights by another vertical datum than the products'.

    GDAL warps the map alone: values would pass for heights above `wanted`, tens of metres wrong. Where no
    product tells a datum, ``EPSG:4979`` and its like are taken for the longitudes and latitudes they hold.

    Parameters
    ----------
    own
        CRSs of the products.
    wanted
        The one that was asked for.

    Raises
    ------
    CubeError
        `wanted` has heights that the products have not, or theirs are above several datums.
    """
    told = {datum_of(crs) if crs is not None else None for crs in own}
    asked, named = datum_of(wanted), sorted(told - {None}, key=str)
    if len(named) > 1:
        raise CubeError(
            f"the products' heights are above {' and '.join(map(str, named))}: one cube would mix them",
            hint="load those of each datum apart, and turn them with ops.to_vertical_datum()",
        )
    if asked is None or told == {asked}:
        return wanted
    if asked == ELLIPSOID and not named:
        plain = flat(wanted)
        code = plain.to_epsg()
        return CRS(f"EPSG:{code}" if code else plain.to_wkt())
    target = 'DATUM")' if asked.startswith(UNNAMED) else f'{asked}")'
    raise CubeError(
        f"crs asks for heights above {asked}, and load leaves heights as they are",
        hint="load with a CRS of maps (EPSG:4326, a UTM zone), then turn the heights: "
        f'ops.to_vertical_datum(dem, "{target}',
    )

"""What a cube says of itself: CF attributes, coordinates, CRS.

The stored numbers' meaning stands under our own names (``nodata``, ``scale``, ``offset``): see
`geodes_datalab.ops.packing` for the reason.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords

import geodes_datalab
from geodes_datalab import stac
from geodes_datalab._display import some
from geodes_datalab.cubes.plan.model import Layer, Plan
from geodes_datalab.cubes.plan.storing import Stored
from geodes_datalab.ops.packing import OFFSET, PHYSICAL_UNITS, POSSIBLE

EPOCH = "microseconds since 1970-01-01T00:00:00"

SIMULATED = "(simulated)"
"""How titles of products end, and attributes ``source``, of what nobody has observed."""

_PROJECTED = {"x": "easting", "y": "northing"}


def coordinates(geobox: GeoBox, times: Sequence[datetime]) -> dict[str, xr.Variable]:
    """Make the coordinates time, y, x and spatial_ref."""
    coords = {name: coord.copy() for name, coord in _spatial(geobox).items()}
    projected = geobox.crs is not None and geobox.crs.projected
    for name, degrees in (("x", "longitude"), ("y", "latitude")):
        standard = f"projection_{name}_coordinate" if projected else degrees
        long_name = _PROJECTED[name] if projected else degrees
        coords[name].attrs |= {
            "axis": name.upper(),
            "standard_name": standard,
            "long_name": long_name,
        }
        if coords[name].attrs.get("units") == "metre":
            coords[name].attrs["units"] = "m"  # as CF's table of names has it, and axes of figures
    coords["time"] = xr.Variable(
        "time",
        _moments(times),
        {"standard_name": "time", "long_name": "start of acquisition (UTC)", "axis": "T"},
    )
    coords["time"].encoding = {"units": EPOCH, "dtype": "int64", "calendar": "proleptic_gregorian"}
    return coords


@lru_cache(maxsize=16)
def _spatial(geobox: GeoBox) -> dict[str, xr.Variable]:
    """Make y, x and spatial_ref; cubes are often made on one grid again and again."""
    coords = xr_coords(geobox, always_yx=True)
    return {str(dim): coord.variable for dim, coord in coords.items()}


def _moments(times: Sequence[datetime]) -> Any:
    """Return times as numpy has them (numpy itself takes five times as long)."""
    epoch, step = datetime(1970, 1, 1), timedelta(microseconds=1)  # noqa: DTZ001 - as plans have it
    counted = [(time - epoch) // step for time in times]
    return np.array(counted, "datetime64[us]").astype("datetime64[ns]")


def variable(
    layer: Layer, one: Stored, pointer: str | None = None, *, simulated: bool = False
) -> dict[str, Any]:
    """Describe one variable.

    Parameters
    ----------
    layer
        Its name.
    one
        What its numbers mean.
    pointer
        Name of the coordinate that holds its offsets, where one does.
    simulated
        Whether products are no observations; ``source`` says so, and figures after it.
    """
    band = one.band
    attrs: dict[str, Any] = {
        "long_name": band.description or layer.native,
        "standard_name": _standard_name(one.collection, band),
        "source": f"{one.collection} {SIMULATED}" if simulated else one.collection,
        "units": one.units,
        PHYSICAL_UNITS: one.physical_units,
        "native_name": layer.native,
        "common_name": band.common_name,
        "wavelength": band.wavelength,
        "wavelength_units": "um" if band.wavelength else None,
        "bandwidth": band.width,
        "gsd": band.gsd or None,
        "nodata": one.nodata,
        "scale": one.scale,
        "offset": pointer or one.offset,
        "vertical_datum": band.datum,
        "positive": band.positive,
    }
    if band.role == "mask":
        attrs |= {"role": "mask", **(classes(band) or _flags(layer.native))}
    return {name: value for name, value in attrs.items() if _told(value)}


def is_simulated(plan: Plan) -> bool:
    """Tell whether any product of a cube says that it is simulated."""
    return any(product.title.endswith(SIMULATED) for product in plan.products)


def offsets(variables: Mapping[str, Stored]) -> tuple[dict[str, xr.Variable], dict[str, str]]:
    """Make the coordinates that hold the offsets of stored numbers.

    Returns
    -------
    coordinates
        ``stored_offset`` (time), and another for each variable whose offsets are not the same.
    pointers
        By variable whose offset may differ from cube to cube: which coordinate holds it.
    """
    coords: dict[str, xr.Variable] = {}
    pointers: dict[str, str] = {}
    raw = {name: item for name, item in variables.items() if item.offsets is not None}
    first = _joined([item.offsets for item in raw.values() if item.offsets])
    for name, item in raw.items():
        assert item.offsets is not None
        alike = all(a is None or a == b for a, b in zip(item.offsets, first, strict=True))
        where = OFFSET if alike else f"{OFFSET}_{name}"
        coords[where] = _offset(first if alike else [step or 0.0 for step in item.offsets], item)
        if item.marked:
            pointers[name] = where
    return coords, pointers


def _joined(rows: Sequence[Sequence[float | None]]) -> list[float]:
    """Return the offsets of the first variable; of the next, where no product has that one."""
    return [
        next((item for item in step if item is not None), 0.0) for step in zip(*rows, strict=True)
    ]


def _offset(steps: Sequence[float], one: Stored) -> xr.Variable:
    attrs: dict[str, Any] = {"long_name": "offset of the stored numbers, in physical units"}
    if one.possible:
        attrs[POSSIBLE] = list(one.possible)
    return xr.Variable("time", np.array(steps, "float64"), attrs)


def _told(value: Any) -> bool:
    """Tell whether an attribute says anything; "NaN means missing" is a float's own convention."""
    if isinstance(value, float) and math.isnan(value):
        return False
    return value is not None and not (isinstance(value, str) and not value)


def dataset(plan: Plan, collection: str) -> dict[str, Any]:
    """Describe the cube."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    names = sorted({product.title for product in plan.products})
    return {
        "Conventions": "CF-1.11",
        "title": f"{collection or 'Products'}, {plan.times[0]:%Y-%m-%d} to {plan.times[-1]:%Y-%m-%d}",
        "source": some(names, 20),
        "history": f"{now} geodes_datalab.load {geodes_datalab.__version__}",
    }


def _standard_name(collection: str, band: stac.Band) -> str | None:
    """Return the name in the CF table that a band's physical values have."""
    if band.standard_name:
        return band.standard_name
    if band.role == "mask":
        return "status_flag"
    name = collection.upper()
    if "_S1" in name or "SENTINEL1" in name:
        return "surface_backwards_scattering_coefficient_of_radar_wave"
    if band.wavelength and name.endswith("L1C"):
        return "toa_bidirectional_reflectance"
    if band.wavelength and name.endswith(("L2A", "L3A")):
        return "surface_bidirectional_reflectance"
    return None


def classes(band: stac.Band, dtype: Any = None) -> dict[str, Any]:
    """Return CF's attributes of a band whose numbers are classes; nothing where it has none.

    Parameters
    ----------
    band
        What is described.
    dtype
        Type of its numbers, where they are not stored as described: CF wants the values in the same.

    Examples
    --------
    >>> snow = stac.reader("THEIA_SNOW_SENTINEL2_L2B").band("SNW")
    >>> classes(snow)["flag_meanings"]
    'no_snow snow cloud_or_shadow no_data'
    """
    if not band.classes:
        return {}
    colours = [one.colour for one in band.classes if one.colour]
    return {
        "flag_values": np.array([one.value for one in band.classes], dtype or band.dtype),
        "flag_meanings": " ".join(one.name.replace(" ", "_") for one in band.classes),
        **({"flag_colors": " ".join(colours)} if len(colours) == len(band.classes) else {}),
    }


def _flags(native: str) -> Mapping[str, Any]:
    table = _bits(native)
    if not table:
        return {}
    return {
        "flag_masks": np.array(list(table.values()), "uint8"),
        "flag_meanings": " ".join(table),
    }


def _bits(native: str) -> Mapping[str, int]:
    from geodes_datalab.ops import masks

    kind, _, grid = native.partition("_")
    if kind == "SAT":
        return masks.SAT.get(grid, {})
    tables: Mapping[str, Mapping[str, int]] = {
        "CLM": masks.CLM,
        "MG2": masks.MG2,
        "EDG": masks.EDG,
    }
    return tables.get(kind, {})

"""Three bands as one picture: true colour, and other composites."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from geodes_datalab._language import mark
from geodes_datalab.errors import CubeError
from geodes_datalab.ops.packing import is_mask, physical
from geodes_datalab.ops.selecting import band

RED_GREEN_BLUE = ("red", "green", "blue")

VISIBLE = (0.0, 0.35)
"""Reflectance from black to full brightness: land and water keep their shades, clouds are white."""

INFRARED = (0.0, 0.5)
"""The same beyond visible light, where vegetation reflects up to half of it."""

GAMMA = 1.6
"""How much the dark is brightened: most land reflects less than a tenth of visible light."""

_EDGE = 0.7
"""Wavelength in micrometres where visible light ends."""

Limits = tuple[float, float]


def true_colour(
    cube: xr.Dataset,
    *,
    rgb: Sequence[str] = RED_GREEN_BLUE,
    limits: Limits | Sequence[Limits] | None = None,
    gamma: float | None = None,
) -> xr.DataArray:
    """Return a picture of three bands, ready for ``plot.imshow()``: from 0 (dark) to 1 (bright).

    All dates are stretched alike, so that they can be compared. A pixel that is missing in one of the bands
    is missing in the picture (NaN), and so transparent in plots. Lazy cubes stay lazy.

    Parameters
    ----------
    cube
        Cube with the bands.
    rgb
        What is shown as red, green and blue: ``("nir", "red", "green")`` makes vegetation red.
    limits
        Values that become dark and bright: a pair, or one for each band. By default those of
        reflectance: 0 to 0.35 in visible light, 0 to 0.5 in infrared.
    gamma
        Brightness is the share of the range, to the power of 1 / gamma. By default 1.6 within the limits of
        reflectance, and 1 (linear) within others.

    Returns
    -------
    xarray.DataArray
        float32, with a last dimension ``band``.

    Raises
    ------
    UnknownBand
        The cube lacks a band.
    CubeError
        Not three bands, no limits for what is no reflectance, or a gamma that is not above 0.

    Examples
    --------
    >>> told = {"standard_name": "surface_bidirectional_reflectance", "wavelength": 0.56}
    >>> cube = xr.Dataset({name: ("x", [0.03, 0.6], told) for name in ("red", "green", "blue")})
    >>> true_colour(cube).values.astype("float64").round(3).tolist()
    [[0.215, 0.215, 0.215], [1.0, 1.0, 1.0]]
    """
    if gamma is not None and not gamma > 0:
        raise CubeError(f"gamma={gamma!r} makes no picture", hint="give 1 (linear) or more")
    bands = stacked(cube, rgb)
    pairs = [band(cube, name) for name in rgb] if limits is None else _pairs(limits)
    known = [usual_limits(one) if isinstance(one, xr.DataArray) else one for one in pairs]
    if None in known:
        raise CubeError(
            f"{rgb[known.index(None)]} is no reflectance: which values are dark and which bright is not known",
            hint="say so: limits=(0, 0.3), or one pair for each band",
        )
    low, high = (
        xr.DataArray(np.array(ends, "float32"), dims="band") for ends in zip(*known, strict=True)
    )
    power = np.float32(1 / (gamma or (GAMMA if limits is None else 1)))
    shares = ((bands - low) / (high - low)).clip(0, 1)
    result = (shares**power).where(bands.notnull().all("band"))
    result.attrs, result.encoding = bands.attrs, bands.encoding
    return result.astype("float32")


def stacked(cube: xr.Dataset, rgb: Sequence[str]) -> xr.DataArray:
    """Return the physical values of three bands in one array, whose last dimension is ``band``.

    Raises
    ------
    UnknownBand, CubeError
        See `true_colour`.
    """
    if isinstance(rgb, str) or len(rgb) != 3:
        raise CubeError(
            f"a picture has three bands, and rgb={rgb!r}",
            hint='for example ("nir", "red", "green")',
        )
    bands = [physical(band(cube, name)).drop_vars("band", errors="ignore") for name in rgb]
    source = bands[0].attrs.get("source")
    along = xr.DataArray(list(rgb), dims="band", name="band")
    result = xr.concat(
        [one.drop_attrs(deep=False) for one in bands],
        along,
        coords="minimal",
        compat="override",
        join="exact",
        combine_attrs="drop",
    ).transpose(..., "band")
    result.name = "rgb"
    result.attrs = {"long_name": _title(rgb)} | ({"source": source} if source else {})
    result.encoding = {k: v for k, v in bands[0].encoding.items() if k == "grid_mapping"}
    return result


def usual_limits(data: xr.DataArray) -> Limits | None:
    """Return between which values reflectance is shown; None of what is no reflectance.

    Examples
    --------
    >>> usual_limits(xr.DataArray(attrs={"standard_name": "toa_bidirectional_reflectance", "wavelength": 0.86}))
    (0.0, 0.5)
    """
    attrs = data.attrs
    if is_mask(data) or "reflectance" not in str(attrs.get("standard_name", "")):
        return None
    wavelength = attrs.get("wavelength")
    seen = wavelength < _EDGE if wavelength else attrs.get("common_name") in RED_GREEN_BLUE
    return VISIBLE if seen else INFRARED


def _pairs(limits: Limits | Sequence[Limits]) -> list[Limits]:
    """Return a pair for each band."""
    given = np.asarray(limits, "float64")
    if given.shape not in ((2,), (3, 2)) or not (given[..., 0] < given[..., 1]).all():
        raise CubeError(
            f"limits={limits!r} are no values from dark to bright",
            hint="give a pair, as (0, 0.3), or one for each of the three bands",
        )
    return [(float(low), float(high)) for low, high in np.broadcast_to(given, (3, 2))]


def _title(rgb: Sequence[str]) -> str:
    if tuple(rgb) == RED_GREEN_BLUE:
        return mark("true colour")
    return f"{', '.join(rgb)} as red, green, blue"

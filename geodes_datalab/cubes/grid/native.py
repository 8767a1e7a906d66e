"""Arguments measured by what the products have: methods by their bands' names, sizes by their pixels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from odc.geo import CRS
from rasterio.enums import Resampling

from geodes_datalab import stac
from geodes_datalab.errors import CubeError, UnknownBand, near

ResamplingLike: TypeAlias = "str | Resampling | Mapping[str, str | Resampling]"
"""GDAL's name of a method, rasterio's member, or one of them for each band."""

METRES_PER_DEGREE = 111_320.0

DEFAULT = "nearest"

_REST = "*"
"""Stands for all measurements that are not named."""

_METHODS = tuple(
    name for name in Resampling.__members__ if name != "gauss"
)  # GDAL cannot warp by it

_COARSE, _FINE = 1000.0, 1 / 200
"""Times the products' own pixels: beyond, a pixel size is taken for one in other units, if it is a
sensible one in those."""

_WIDEST = 90.0
"""Degrees of a pixel that nobody means."""


def methods(
    given: Any, bands: Mapping[str, stac.Band], reader: Callable[[], stac.Reader]
) -> dict[str, str]:
    """Say by which method each variable is resampled.

    Parameters
    ----------
    given
        One method for all measurements, or a mapping of bands to methods. Bands may bear any of their
        names; ``"*"`` stands for all measurements that are not named.
    bands
        What will be loaded, by the name that the user wrote.
    reader
        Returns what knows further names of the bands; asked where names are given.

    Returns
    -------
    dict
        By variable. Quality masks are read with ``"nearest"``: their flags cannot be averaged.

    Raises
    ------
    UnknownBand
        A method is for a band that is not there, or not loaded.
    CubeError
        There is no such method, or it would have no effect.
    """
    if not isinstance(given, Mapping):
        return _alike(_method(given), bands)
    exact = [key for key in given if key in bands]
    others = [key for key in given if key not in bands and key != _REST]
    chosen: dict[str, str] = {}
    for key in exact + others:
        same = [key] if key in bands else _named(key, bands, reader())
        for name in [name for name in same if name not in exact] or same:
            if chosen.setdefault(name, _method(given[key])) != _method(given[key]):
                raise CubeError(
                    f"resampling gives band {name} two methods, by different names",
                    hint="name each band once",
                )
    for name, method in chosen.items():
        _refuse_for_flags(name, method, bands)
    rest = _method(given.get(_REST, DEFAULT))
    return {
        name: chosen.get(name, DEFAULT if band.role == "mask" else rest)
        for name, band in bands.items()
    }


def _alike(method: str, bands: Mapping[str, stac.Band]) -> dict[str, str]:
    """Give all measurements one method."""
    result = {name: DEFAULT if band.role == "mask" else method for name, band in bands.items()}
    if method not in result.values():
        _refuse_for_flags(next(iter(bands)), method, bands)
    return result


def _refuse_for_flags(name: str, method: str, bands: Mapping[str, stac.Band]) -> None:
    if bands[name].role == "mask" and method != DEFAULT:
        raise CubeError(
            f"resampling={method!r} would have no effect on {name}: it holds flags, which are always "
            f"read with {DEFAULT!r}",
            hint="leave it out, or load the band with measurements and name those",
        )


def _named(key: Any, bands: Mapping[str, stac.Band], reader: stac.Reader) -> list[str]:
    """Return the variables that hold the band of a name, or all bands of the file of that name."""
    loaded = [
        name if name == band.name else f"{name} ({band.name})" for name, band in bands.items()
    ]
    try:
        natives = {reader.band(item).name for item in reader.expanded(str(key))}
    except UnknownBand as error:
        words = {word for item in reader.bands for word in (item.name, item.common_name) if word}
        hint = near(str(key), sorted({*words, *bands}))
        raise UnknownBand(
            f"resampling is given for {key!r}, and there is no such band",
            hint=f"{hint} " * bool(hint)
            + f'the cube has: {", ".join(loaded)}; "*" stands for all others',
        ) from error
    result = [name for name, band in bands.items() if {band.name, band.key} & natives]
    if not result:
        raise UnknownBand(
            f"resampling is given for {key!r}, which is not loaded",
            hint=f"leave it out, or load it too; the cube has: {', '.join(loaded)}",
        )
    return result


def _method(given: Any) -> str:
    """Return GDAL's name of a method."""
    name = given.name if isinstance(given, Resampling) else given
    if not isinstance(name, str) or name not in _METHODS:
        hint = near(str(name), _METHODS) or f"use one of: {', '.join(_METHODS)}"
        raise CubeError(f"unknown resampling {given!r}", hint=hint)
    return name


def refuse_other_units(
    asked: tuple[float, float],
    native: Sequence[tuple[CRS | None, tuple[float, float]]],
    target: CRS,
) -> None:
    """Refuse a pixel size that was meant in other units than those of the CRS.

    Parameters
    ----------
    asked
        Pixel size (x, y) in units of ``target``.
    native
        CRS and pixel size of each of the products' grids.
    target
        CRS of the cube.

    Raises
    ------
    CubeError
        Metres where degrees are wanted, or the other way round.
    """
    own = min(min(size) * _metres(crs) for crs, size in native if crs is not None)
    size, largest = min(asked), max(asked)
    ratio = size * _metres(target) / own
    if target.geographic and (largest > _WIDEST or (ratio > _COARSE and size >= own / 10)):
        metres = size * METRES_PER_DEGREE
        raise CubeError(
            f"resolution={size:g} means degrees in {target}: pixels of {metres / 1000:,.0f} km",
            hint=f"for pixels of {size:g} m give resolution={size / METRES_PER_DEGREE:.2g} (degrees), or "
            "a crs in metres",
        )
    as_degrees = size * METRES_PER_DEGREE / own
    if not target.geographic and ratio < _FINE and 1 / _COARSE <= as_degrees <= _COARSE:
        unit = _unit(target)
        raise CubeError(
            f"resolution={size:g} means {unit}s in {target}: the products' own pixels are "
            f"{own:g} m wide",
            hint=f"for {size:g} degrees give resolution={size * METRES_PER_DEGREE / _metres(target):.2g}, "
            'or crs="EPSG:4326" too',
        )


def _unit(crs: CRS) -> str:
    return str(crs.proj.axis_info[0].unit_name) if crs.proj.axis_info else "metre"


def _metres(crs: CRS) -> float:
    """Return how many metres a unit of a CRS is; for angles, along the equator."""
    axes = crs.proj.axis_info
    factor = float(axes[0].unit_conversion_factor) if axes else 1.0
    if crs.geographic:
        return math.degrees(factor or math.radians(1)) * METRES_PER_DEGREE
    return factor or 1.0

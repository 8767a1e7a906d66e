"""Which part of a cube goes into which file: one for all, or a pattern with a name for each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import product
from pathlib import Path
from string import Formatter
from typing import Any

import numpy as np
import xarray as xr

from geodes_datalab.errors import CubeError, near

SUFFIXES = {
    ".tif": "cog",
    ".tiff": "cog",
    ".nc": "netcdf",
    ".nc4": "netcdf",
    ".netcdf": "netcdf",
    ".zarr": "zarr",
}
"""End of a file's name -> format."""

_ALSO = {
    "gtiff": "geotiff",
    "tif": "geotiff",
    "tiff": "geotiff",
    "nc": "netcdf",
    "netcdf4": "netcdf",
}

FORMATS = ("cog", "geotiff", "netcdf", "zarr")

UNNAMED = "data"
"""Name in a file of an array that has none."""

VARIABLE = "variable"
"""What stands in a pattern for the name of a variable."""


def format_of(path: str | os.PathLike[str], given: str | None) -> str:
    """Return the format that is asked for, by name or by the end of the path.

    Examples
    --------
    >>> format_of("ndvi.TIF", None), format_of("ndvi", "NetCDF")
    ('cog', 'netcdf')
    """
    if given is not None:
        word = str(given).lower()
        if word in FORMATS or word in _ALSO:
            return _ALSO.get(word, word)
        hint = near(word, FORMATS) or f"use one of: {', '.join(FORMATS)}"
        raise CubeError(f"unknown format {given!r}", hint=hint)
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise CubeError(
            f"the name {str(path)!r} does not tell the format",
            hint=f"end it with .tif, .nc or .zarr, or give format= ({', '.join(FORMATS)})",
        )
    return SUFFIXES[suffix]


def parts(cube: xr.Dataset, pattern: str) -> list[tuple[Path, xr.Dataset]]:
    """Split a cube by the fields of a pattern, and name each part.

    Parameters
    ----------
    cube
        What is saved.
    pattern
        Path with ``{variable}``, ``{time}`` or other dimensions, or none of them.

    Raises
    ------
    CubeError
        A field that the cube does not have, or two parts of the same name.

    Examples
    --------
    >>> times = np.array(["2024-01-03", "2024-01-13"], "datetime64[ns]")
    >>> cube = xr.Dataset({"B04": ("time", [1, 2])}, {"time": times})
    >>> [path.name for path, _ in parts(cube, "/tmp/{variable}_{time:%Y%m%d}.nc")]
    ['B04_20240103.nc', 'B04_20240113.nc']
    """
    fields = _fields(pattern)
    _refuse_unknown(fields, cube)
    if not fields:
        return [(Path(pattern.format()), cube)]
    choices: dict[str, Sequence[Any]] = {
        name: list(cube.data_vars) if name == VARIABLE else range(cube.sizes[name])
        for name in fields
    }
    labels = {name: _labels(cube[name]) for name in fields if name != VARIABLE}
    result: dict[Path, xr.Dataset] = {}
    for chosen in product(*choices.values()):
        where = dict(zip(choices, chosen, strict=True))
        words = {
            name: labels[name][at] if name in labels else str(at) for name, at in where.items()
        }
        path = _named(pattern, words)
        if path in result:
            raise CubeError(
                f"two parts of the cube would both be saved as {path}",
                hint="name more in the pattern, for example {variable} and {time:%Y%m%dT%H%M%S}",
            )
        result[path] = _part(cube, where)
    return list(result.items())


def is_pattern(path: str) -> bool:
    """Tell whether a path names many files.

    Examples
    --------
    >>> is_pattern("{time}.tif"), is_pattern("{{time}}.tif")
    (True, False)
    """
    return bool(_fields(path))


def _fields(pattern: str) -> list[str]:
    try:
        result = [field for _, field, _, _ in Formatter().parse(pattern) if field is not None]
    except ValueError as error:
        raise CubeError(
            f"{pattern!r} is no pattern: {error}", hint="write {{ and }} for braces in a name"
        ) from error
    return list(dict.fromkeys(result))


def _refuse_unknown(fields: Iterable[str], cube: xr.Dataset) -> None:
    known = [VARIABLE, *(str(dim) for dim in cube.dims)]
    for field in fields:
        if field not in known:
            hint = near(field, known) or f"use one of: {', '.join(known)}"
            raise CubeError(f"the cube has nothing that {{{field}}} could name", hint=hint)


def _part(cube: xr.Dataset, where: Mapping[str, Any]) -> xr.Dataset:
    chosen = cube[[where[VARIABLE]]] if VARIABLE in where else cube
    for dim in where:
        if dim != VARIABLE and dim not in chosen.dims:
            raise CubeError(
                f"{where[VARIABLE]} has no dimension {dim}, which the pattern names",
                hint="save it by itself, without that in the name",
            )
    return chosen.isel({dim: [at] for dim, at in where.items() if dim != VARIABLE})


def _named(pattern: str, words: Mapping[str, Any]) -> Path:
    try:
        return Path(pattern.format_map(words))
    except (ValueError, TypeError) as error:
        raise CubeError(
            f"{pattern!r} cannot be filled in: {error}",
            hint="for example {variable}_{time:%Y-%m-%d}.tif",
        ) from error


def _labels(values: xr.DataArray) -> list[Any]:
    """Return how each step of a dimension is written; dates in as few words as tell them apart."""
    if values.dtype.kind != "M":
        return [_safe(str(item)) for item in values.values.tolist()]
    moments = values.values.astype("datetime64[us]").tolist()
    for form in ("%Y-%m-%d", "%Y-%m-%dT%H%M%S", "%Y-%m-%dT%H%M%S.%f"):
        if len({moment.strftime(form) for moment in moments}) == len(moments):
            break
    return [_Moment(moment, form) for moment in moments]


class _Moment:
    """A date that a pattern may write in a form of its own."""

    def __init__(self, moment: datetime, form: str) -> None:
        self._moment, self._form = moment, form

    def __format__(self, form: str) -> str:
        return self._moment.strftime(form or self._form)


def _safe(text: str) -> str:
    return text.replace(os.sep, "_")


def label(value: Any) -> str:
    """Write a step of a dimension for people.

    Examples
    --------
    >>> label(np.datetime64("2024-03-01T10:50:31.024000000")), label(np.int64(3))
    ('2024-03-01T10:50:31.024', '3')
    """
    if isinstance(value, np.datetime64):
        text = str(np.datetime_as_string(value, unit="ns"))
        return text.rstrip("0").rstrip(".").removesuffix("T00:00:00") if "." in text else text
    return str(value)

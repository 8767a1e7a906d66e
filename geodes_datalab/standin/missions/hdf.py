"""NetCDF-4 files in memory, with the types, fill values and attributes that are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Stored:
    """A variable as a file has it."""

    dims: tuple[str, ...]
    data: Any
    """Stored numbers, of the type that is written."""
    fill: float | int | None = None
    attrs: Mapping[str, Any] = field(default_factory=dict)


def packed(
    values: Any, dtype: str, scale: float, fill: float, *, attrs: Mapping[str, Any]
) -> tuple[Any, Any, Any]:
    """Return the numbers that stand for values, their fill value and attributes; NaN is the fill value."""
    whole = np.round if np.dtype(dtype).kind in "iu" else np.asarray
    numbers = np.where(np.isfinite(values), whole(np.nan_to_num(values) / scale), fill)
    told = {"scale_factor": scale, **attrs} if scale != 1.0 else dict(attrs)
    return numbers.astype(dtype), fill, told


def flags(meanings: Mapping[int, str], *, bits: bool = False, dtype: str = "u1") -> dict[str, Any]:
    """Return CF's attributes of a flag."""
    name = "flag_masks" if bits else "flag_values"
    return {name: np.array(list(meanings), dtype), "flag_meanings": " ".join(meanings.values())}


def netcdf(groups: Mapping[str, Mapping[str, Stored]], attrs: Mapping[str, Any]) -> bytes:
    """Return a netCDF-4 file.

    Parameters
    ----------
    groups
        Name of each group (``/`` for none) -> its variables.
    attrs
        Of the whole file.
    """
    import h5netcdf  # type: ignore[import-untyped]

    into = BytesIO()
    with h5netcdf.File(into, "w") as file:
        for key, value in attrs.items():
            file.attrs[key] = value
        made = [
            (_made(file if name == "/" else _group(file, name), key, one), one)
            for name, variables in groups.items()
            for key, one in variables.items()
        ]
        for variable, one in made:  # the headers of all come first, as in the products' own files
            variable[...] = np.asarray(one.data)
    return into.getvalue()


def _group(file: Any, name: str) -> Any:
    return file.groups[name] if name in file.groups else file.create_group(name)


def _made(where: Any, name: str, one: Stored) -> Any:
    for dim, size in zip(one.dims, np.shape(one.data), strict=True):
        if dim not in where.dimensions:
            where.dimensions[dim] = size
    data = np.asarray(one.data)
    fill = None if one.fill is None else data.dtype.type(one.fill)
    options = {"compression": "gzip", "shuffle": True} if data.ndim else {}
    variable = where.create_variable(name, one.dims, data.dtype, fillvalue=fill, **options)
    for key, value in one.attrs.items():
        variable.attrs[key] = value
    return variable

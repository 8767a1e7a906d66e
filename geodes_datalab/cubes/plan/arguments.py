"""Arguments of `load` in the forms that people and libraries write them, made into one form each.

What cannot be meant is refused here, before anything is asked of any server: an error of Python's own
would come from deep below, and name nothing that was typed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import index
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, get_args

from rasterio.enums import Resampling

from geodes_datalab._inputs.words import WordsLike, words
from geodes_datalab.cubes.grid.output import ResolutionLike
from geodes_datalab.cubes.plan.model import GroupBy
from geodes_datalab.errors import CubeError, near

ChunksLike: TypeAlias = Any
"""Pixels along x and y, or a mapping of ``time``, ``y``, ``x``; ``-1`` for all; ``None`` or ``"auto"`` for
the usual size."""

ResamplingLike: TypeAlias = Any
"""A name, a member of ``rasterio.enums.Resampling``, or a mapping of bands to either."""

CHUNKS: Mapping[str, int] = {"time": 1, "y": 2048, "x": 2048}
"""Default chunk: 16 MB of physical values, 8 MB of 16-bit integers."""

T = TypeVar("T")

_WARPS = [name for name in Resampling.__members__ if name != "gauss"]  # which GDAL cannot warp with
_USUAL = (None, "auto")


def bands(value: WordsLike | None) -> tuple[str, ...] | None:
    """Return the names of bands; None where all are meant."""
    return words(value, "bands", none=True)


def one_of(name: str, value: Any, known: Mapping[str, T]) -> T:
    """Return what a word stands for.

    Raises
    ------
    CubeError
        It is none of the known words.
    """
    if not isinstance(value, str) or value not in known:
        hint = near(value, known) if isinstance(value, str) else ""
        raise CubeError(f"unknown {name} {value!r}", hint=hint or f"use one of: {', '.join(known)}")
    return known[value]


def group_by(value: Any) -> None:
    """Refuse what makes no time steps.

    Raises
    ------
    CubeError
        It is not one of the words of `geodes_datalab.cubes.plan.model.GroupBy`.
    """
    if not isinstance(value, str) or value not in get_args(GroupBy):
        raise CubeError(f"unknown groupby: {value!r}", hint='use "solar_day", "time" or "id"')


def flags(
    *, clip: Any, all_touched: Any, clear: Any, raw: Any, masked: Any, scaled: Any, progress: Any
) -> None:
    """Refuse what is neither true nor false: a text such as ``"no"`` would count as true.

    The last three may be left out as None.

    Raises
    ------
    CubeError
        Something else was given.
    """
    given = {"clip": clip, "all_touched": all_touched, "clear": clear, "raw": raw}
    optional = {"masked": masked, "scaled": scaled, "progress": progress}
    given |= {name: value for name, value in optional.items() if value is not None}
    for name, value in given.items():
        if type(value).__name__ not in ("bool", "bool_"):
            raise CubeError(
                f"{name}={value!r} is neither True nor False", hint="write True or False"
            )


def number(name: str, value: Any) -> int | None:
    """Return a whole number from 1; None where nothing was given.

    Raises
    ------
    CubeError
        It is none.
    """
    if value is None:
        return None
    result = _whole(value)
    if result is None or result < 1:
        raise CubeError(
            f"{name}={value!r} must be a whole number from 1",
            hint=f"leave {name} out for the default",
        )
    return result


def resolution(value: ResolutionLike | None) -> ResolutionLike | None:
    """Return a pixel size as one number or two, from lists, arrays and odc-geo's resolutions.

    Raises
    ------
    CubeError
        A truth value: it would count as one metre.
    """
    if value is None or isinstance(value, str):
        return value
    if type(value).__name__ in ("bool", "bool_"):
        raise CubeError(
            f"resolution must be a positive number, not {value!r}",
            hint="give it in units of the CRS, for example 10, or (10, 20) for x and y",
        )
    sides: Any = (getattr(value, "x", None), getattr(value, "y", None))
    if None not in sides and not callable(sides[0]):  # odc-geo's, where y runs downwards
        return abs(sides[0]), abs(sides[1])
    single = getattr(value, "ndim", None) == 0 or not isinstance(value, Iterable)
    result: Any = value
    pair: ResolutionLike = result if single else tuple(result)
    return pair


def crs(value: Any) -> Any:
    """Return a CRS as it was given; numpy's numbers as Python's.

    Raises
    ------
    CubeError
        A truth value, or an empty text.
    """
    if type(value).__name__ in ("bool", "bool_") or (isinstance(value, str) and not value.strip()):
        raise CubeError(
            f"unknown coordinate reference system: {value!r}",
            hint='write it like "EPSG:32631", or give WKT',
        )
    code = _whole(value)
    return value if code is None else code


def resampling(value: ResamplingLike) -> str | dict[str, str]:
    """Return GDAL's name of a method, or one for each band.

    Raises
    ------
    CubeError
        No such method.

    Examples
    --------
    >>> resampling({"B04": Resampling.average, "B08": "Cubic"})
    {'B04': 'average', 'B08': 'cubic'}
    """
    if not isinstance(value, Mapping):
        return _method(value)
    result = {}
    for band, method in value.items():
        if not isinstance(band, str):
            raise CubeError(
                f"resampling names a band by {band!r}",
                hint='write {"B04": "average"}, with names of bands',
            )
        result[band] = _method(method)
    return result


def chunk_sizes(
    value: ChunksLike, whole: Mapping[str, int], usual: Mapping[str, int]
) -> dict[str, int]:
    """Return the size of a chunk along each dimension.

    Parameters
    ----------
    value
        See `ChunksLike`.
    whole
        Size of the cube along each dimension.
    usual
        Size of a chunk where nothing else is said.

    Raises
    ------
    CubeError
        Not such sizes.
    """
    given: Any = {} if _is_usual(value) else value
    if not isinstance(given, Mapping):
        given = {"y": given, "x": given}
    wanted = dict(usual)
    for dim, size in given.items():
        result = usual.get(dim) if _is_usual(size) else _whole(size)
        if dim not in whole or result is None or (result < 1 and result != -1):
            raise CubeError(
                f"chunks={value!r} cannot be used",
                hint='give a number of pixels, or for example {"time": 1, "y": 1024, "x": 1024}',
            )
        wanted[dim] = result
    return {
        dim: size if wanted[dim] == -1 else min(wanted[dim], size) for dim, size in whole.items()
    }


def folder(value: str | PathLike[str] | None) -> Path | None:
    """Return a folder that exists; None where none was given.

    Raises
    ------
    CubeError
        There is no such folder.
    """
    if value is None:
        return None
    try:
        path = Path(value).expanduser().resolve() if value != "" else None
        there = path is not None and path.is_dir()
    except (OSError, RuntimeError, TypeError, ValueError):
        there = False
    if not there or path is None:
        shown = str(value) if isinstance(value, PathLike) else value
        raise CubeError(f"archives={shown!r} is no folder", hint="give the folder of download()")
    return path


def _method(value: Any) -> str:
    if value is None:
        return "nearest"
    name = value.name if isinstance(value, Resampling) else value
    known = name.strip().lower() if isinstance(name, str) else None
    if known not in _WARPS:
        hint = near(name, _WARPS) if isinstance(name, str) else ""
        raise CubeError(
            f"unknown resampling {value!r}", hint=hint or f"use one of: {', '.join(_WARPS)}"
        )
    return str(known)


def _is_usual(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.strip().lower() in _USUAL)


def _whole(value: Any) -> int | None:
    """Return a whole number, of Python or numpy; None for anything else."""
    if type(value).__name__ in ("bool", "bool_"):
        return None
    try:
        return index(value)
    except TypeError:
        return None

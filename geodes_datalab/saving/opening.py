"""`open`: a cube as it was saved, lazy."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from geodes_datalab._whole import local_path
from geodes_datalab.errors import CubeError
from geodes_datalab.saving import encoding, geotiff
from geodes_datalab.saving.naming import UNNAMED, format_of


def open(  # noqa: A001 - the verb's name
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], *, chunks: Any = None
) -> xr.Dataset | xr.DataArray:
    """Open what `geodes_datalab.save` saved, as it was: lazy, with its numbers, types and attributes.

    Other tools need no help to read these files. They hand out physical values where this gives back the
    stored numbers of a raw cube, and bands of a GeoTIFF where this gives back variables and dates.

    Parameters
    ----------
    path
        File or Zarr store; or several, as ``save`` returned them: they are joined.
    chunks
        As for `xarray.open_dataset`: by default Dask arrays with the blocks of the file.

    Returns
    -------
    xarray.Dataset or xarray.DataArray
        Whichever was saved.

    Raises
    ------
    CubeError
        There is no such file, or it is not one that ``save`` wrote.
    """
    if isinstance(path, Sequence) and not isinstance(path, str):
        return _joined([open(item, chunks=chunks) for item in path])
    where = Path(local_path(path))
    if not where.exists():
        raise CubeError(f"there is no {where}", hint="look at the name, and at the folder")
    kind = format_of(where, "zarr" if where.is_dir() else None)
    wanted = {} if chunks is None else chunks
    if kind == "cog":
        cube, facts = geotiff.read(where, chunks or True)
    else:
        cube, facts = _by_xarray(where, kind, wanted)
    if "array" not in facts:
        return cube
    (variable,) = cube.data_vars
    return cube[variable].rename(facts["array"])


def _by_xarray(where: Path, kind: str, chunks: Any) -> tuple[xr.Dataset, dict[str, Any]]:
    engine: Any = "zarr" if kind == "zarr" else "netcdf4"
    with xr.open_dataset(where, engine=engine, decode_cf=False) as plain:
        stored, dates = encoding.stored_in(plain), encoding.coders_of(plain)
    opened = xr.open_dataset(
        where, engine=engine, chunks=chunks, decode_coords="all", decode_times=dates,
        decode_timedelta=xr.coders.CFTimedeltaCoder(decode_via_units=False),
        mask_and_scale=dict.fromkeys(stored, False),
    )  # fmt: skip
    short = {name: item.compute() for name, item in opened.coords.items() if item.ndim < 2}
    cube, facts = encoding.decoded(opened.assign_coords(short), stored)
    cube.set_close(opened.close)
    return cube, facts


def _joined(cubes: Sequence[xr.Dataset | xr.DataArray]) -> xr.Dataset | xr.DataArray:
    if not cubes:
        raise CubeError("there are no files to open", hint="give what save returned")
    parts = [
        item if isinstance(item, xr.Dataset) else item.to_dataset(name=_name(item))
        for item in cubes
    ]
    try:
        joined: Any = xr.combine_by_coords(
            parts, combine_attrs="drop_conflicts", join="outer", compat="no_conflicts",
            coords="different",
        )  # fmt: skip
    except ValueError as error:
        raise CubeError(
            f"the files make no cube together: {error}",
            hint='open each by itself and join them: xarray.concat([...], "time")',
        ) from error
    names = {item.name for item in cubes if isinstance(item, xr.DataArray)}
    if len(names) == 1 and all(isinstance(item, xr.DataArray) for item in cubes):
        joined = joined[_name(cubes[0])].rename(*names)  # steps of one array
    return joined  # type: ignore[no-any-return]


def _name(array: Any) -> Any:
    return UNNAMED if array.name is None else array.name

"""`open`: a cube as it was saved, or a product of the catalogue as it is; lazy."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import xarray as xr

from geodes_datalab._inputs.shapes import PlaceLike
from geodes_datalab._inputs.times import DatetimeLike
from geodes_datalab._inputs.words import WordsLike
from geodes_datalab._whole import local_path
from geodes_datalab.errors import CubeError
from geodes_datalab.saving import encoding, geotiff
from geodes_datalab.saving.naming import UNNAMED, format_of
from geodes_datalab.stac.items.held import ItemsLike

PathsLike: TypeAlias = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
"""A file, or several."""


def open(  # noqa: A001 - the verb's name
    path: PathsLike | ItemsLike,
    bands: WordsLike | None = None,
    *,
    bbox: PlaceLike | None = None,
    datetime: DatetimeLike | None = None,
    allow_provisional: bool = False,
    archives: str | Path | None = None,
    chunks: Any = None,
    progress: bool | None = None,
) -> Any:
    """Open a product of the catalogue as its format has it, or what `geodes_datalab.save` saved; lazy.

    Products on a map are cubes: `geodes_datalab.load` reads those, onto one grid. What lies along a
    satellite's path, at single places, in shapes or in coefficients, or as a sensor saw it, is opened here.

    Of saved files, other tools need no help to read them. They hand out physical values where this gives back the
    stored numbers of a raw cube, and bands of a GeoTIFF where this gives back variables and dates.

    Parameters
    ----------
    path
        Item or items of one collection, as for `geodes_datalab.load`. Or the file or Zarr store that ``save``
        wrote; or several, as ``save`` returned them: they are joined.
    bands
        Of products: names of the variables that are wanted; all measurements otherwise.
    bbox
        Of products: the area that is wanted, as for `geodes_datalab.load`. Whole lines, points and shapes come,
        of those that touch its box.
    datetime
        Of products: time of acquisition; items of other times are left out.
    allow_provisional
        Whether to open products of missions that have published no format yet, as far as it can be guessed.
    archives
        Folder in which `geodes_datalab.download` left products: those are read from there.
    chunks
        Of saved files, as for `xarray.open_dataset`: by default Dask arrays with the blocks of the file.
    progress
        Whether to show a bar where there are several products; by default where one can see it.

    Returns
    -------
    xarray.Dataset, xarray.DataArray or geopandas.GeoDataFrame
        Whichever was saved. Of products, physical values with units: swaths as (line, pixel), points as (point),
        shapes as a GeoDataFrame, coefficients as (degree, order), the sensor's geometry as (line, pixel),
        grids as (y, x) with their CRS.

    Raises
    ------
    CubeError
        There is no such file, or it is not one that ``save`` wrote; products that are not opened together.
    FormatChanged
        A product holds other files than its description.
    """
    if not _is_saved(path):
        from geodes_datalab.cubes.formats.opening import open_products

        return open_products(
            path, bands, bbox=bbox, datetime=datetime, allow_provisional=allow_provisional,
            archives=archives, progress=progress,
        )  # fmt: skip
    _refuse_idle(bands=bands, bbox=bbox, datetime=datetime, archives=archives)
    return _saved(path, chunks)


def _is_saved(path: Any) -> bool:
    """Tell whether a path, or paths, of files that ``save`` wrote are given, not items."""
    if isinstance(path, Sequence) and not isinstance(path, str):
        return bool(path) and all(isinstance(item, str | os.PathLike) for item in path)
    return isinstance(path, str | os.PathLike) and not _holds_items(Path(path))


def _holds_items(path: Path) -> bool:
    """Tell whether a file holds items, as catalogues send them."""
    return path.suffix.lower() in {".json", ".geojson"} and path.is_file()


def _refuse_idle(**given: Any) -> None:
    idle = [name for name, value in given.items() if value is not None]
    if idle:
        raise CubeError(
            f"{', '.join(idle)} would have no effect on a saved file",
            hint="select in what was opened: cube.sel(...), cube[names]",
        )


def _saved(path: PathsLike, chunks: Any) -> xr.Dataset | xr.DataArray:
    if isinstance(path, Sequence) and not isinstance(path, str):
        return _joined([_saved(item, chunks) for item in path])
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

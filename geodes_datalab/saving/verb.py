"""`save`: a cube becomes files that xarray, GDAL and rioxarray read right."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import xarray as xr

from geodes_datalab._whole import local_path, whole
from geodes_datalab.errors import CubeError, GeodesError
from geodes_datalab.saving import encoding, geotiff, notes
from geodes_datalab.saving.naming import UNNAMED, format_of, is_pattern, parts
from geodes_datalab.saving.places import with_coords
from geodes_datalab.saving.staging import staged, threads

Writer = Callable[[xr.Dataset, Path], None]


def save(
    cube: xr.Dataset | xr.DataArray,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 - as people say it
    overwrite: bool = False,
    progress: bool | None = None,
) -> Path | list[Path]:
    """Save a cube, or anything made of one, as GeoTIFF, netCDF or Zarr.

    Nothing is lost: dates, names, units, CRS, scale and offset, what is missing, booleans, blocks. Lazy
    cubes are computed block by block, by the active Dask cluster if there is one, and never lie in memory
    as a whole. A file is there once all of it is: what breaks off leaves nothing behind.

    Parameters
    ----------
    cube
        Dataset or DataArray.
    path
        Where to. ``{variable}``, ``{time}`` and other dimensions in it make a file for each:
        ``"out/{variable}_{time:%Y-%m-%d}.tif"``. Folders are made where they are missing.
    format
        ``"cog"`` (cloud-optimised GeoTIFF), ``"geotiff"``, ``"netcdf"`` or ``"zarr"``; by default as the
        path ends: ``.tif``, ``.nc``, ``.zarr``.
    overwrite
        Whether a file of that name is replaced. It stays as it is until the new one is complete.
    progress
        Whether to show a bar; by default where one can see it.

    Returns
    -------
    pathlib.Path or list of pathlib.Path
        What was written; several where the path is a pattern.

    Raises
    ------
    CubeError
        The file is there already, or its format cannot hold the cube.
    StoredOtherwise
        Stored numbers whose offsets were lost on the way.
    StorageError
        The disk is full, or may not be written.

    Notes
    -----
    In a GeoTIFF, bands are variables times dates; a band's description says which: ``B04
    2024-03-01T10:50:31.024``. All are of one type, so masks want a file of their own (``{variable}``).

    Of a raw cube, netCDF and Zarr keep the stored numbers with ``_FillValue``, ``scale_factor`` and
    ``add_offset``: xarray hands out physical values then, and `geodes_datalab.open` the stored numbers.

    Examples
    --------
    >>> import tempfile
    >>> band = xr.DataArray([[0.25, 0.5]], {"y": [5.0], "x": [5.0, 15.0]}, ("y", "x"), "ndvi")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save(band, f"{folder}/ndvi.nc")
    ...     print(path.name, xr.open_dataset(path)["ndvi"].values)
    ndvi.nc [[0.25 0.5 ]]
    """
    pattern = local_path(path)
    kind = format_of(pattern, format)
    dataset, facts = _read(cube)
    named = parts(dataset, pattern)
    prepared = [_prepared(part, kind, facts) for _, part in named]
    targets = [target for target, _ in named]
    with (
        whole(targets, overwrite=overwrite) as temporary,
        staged([part for part, _ in prepared], progress) as ready,
    ):
        for part, (_, write), where in zip(ready, prepared, temporary, strict=True):
            write(part, where)
    return targets if is_pattern(pattern) else targets[0]


def _read(cube: Any) -> tuple[xr.Dataset, dict[str, Any]]:
    """Return what is saved as a dataset, and what to note of how it was given."""
    if not isinstance(cube, xr.Dataset | xr.DataArray):
        raise CubeError(
            f"save takes a cube, and this is of type {type(cube).__name__}",
            hint="give what load() or a calculation on it returned: an xarray Dataset or DataArray",
        )
    if isinstance(cube, xr.DataArray):
        free = isinstance(cube.name, str) and cube.name not in {*cube.coords, *cube.dims}
        name = str(cube.name) if free else UNNAMED
        return _plain(cube.to_dataset(name=name)), {"array": cube.name}
    result = _plain(cube)
    if not result.data_vars:
        raise CubeError("the cube has no variables", hint="give a cube of one band at least")
    return result, {}


def _plain(cube: xr.Dataset) -> xr.Dataset:
    """Return a cube that says nothing of the file that it may have been read from by other means."""
    result = with_coords(cube).copy()
    every: list[Any] = [result, *result.variables.values()]
    for item in every:
        item.attrs = {name: value for name, value in item.attrs.items() if name != notes.NAME}
    return result


def _prepared(part: xr.Dataset, kind: str, facts: Mapping[str, Any]) -> tuple[xr.Dataset, Writer]:
    """Return a part as its format holds it, and what writes it; refuse what cannot be held."""
    if kind in ("cog", "geotiff"):
        result = geotiff.layout(part)

        def write(cube: xr.Dataset, where: Path) -> None:
            geotiff.write(replace(result, cube=cube), where, cog=kind == "cog", facts=facts)

        return result.cube, write
    return encoding.encoded(part, facts), _to_netcdf if kind == "netcdf" else _to_zarr


def _to_netcdf(cube: xr.Dataset, where: Path) -> None:
    with threads():
        with _explained("netCDF"):
            delayed = encoding.in_blocks(cube).to_netcdf(where, engine="netcdf4", compute=False)
        delayed.compute()


def _to_zarr(cube: xr.Dataset, where: Path) -> None:
    with threads():
        with _explained("Zarr"):  # format 2 can say that no number means "missing", 3 cannot
            delayed = cube.to_zarr(where, mode="w", zarr_format=2, consolidated=True, compute=False)
        delayed.compute()


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn what xarray says of a cube that a format cannot hold into an error of ours."""
    try:
        yield
    except (AttributeError, TypeError, ValueError, NotImplementedError, RuntimeError) as error:
        disk = isinstance(error, RuntimeError) and "illegal" not in str(error)  # HDF5 says so of it
        if isinstance(error, GeodesError) or (disk and not isinstance(error, NotImplementedError)):
            raise
        raise CubeError(
            f"{name} cannot hold this cube: {error}",
            hint="leave out or convert what it names; reset_index() makes plain coordinates of a "
            "MultiIndex",
        ) from error

"""Cubes as GeoTIFF: bands are dates times variables, each with its name, its date, its scale and offset."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
import xarray as xr
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords

from geodes_datalab import _limits
from geodes_datalab.errors import CubeError
from geodes_datalab.ops.packing import CF, STORED, physical_attrs
from geodes_datalab.saving import notes
from geodes_datalab.saving.meaning import meaning
from geodes_datalab.saving.naming import label
from geodes_datalab.saving.places import GRID_MAPPING, dims_of, grid_of, with_place
from geodes_datalab.saving.staging import threads

MOST = 65_535
"""Bands of a GeoTIFF, at most."""

_APART = "save a file for each variable: {variable} in the name, for example 'out/{variable}.tif'"

_KEPT = (*STORED, *CF, "units", "long_name", GRID_MAPPING)
"""Attributes that stand elsewhere than among a band's tags."""


@dataclass(frozen=True)
class Layout:
    """How a cube lies in a file."""

    cube: xr.Dataset
    """Variables with y and x last."""
    grid: GeoBox
    dtype: str
    nodata: float | None

    @property
    def bands(self) -> list[tuple[str, tuple[int, ...]]]:
        """Variable and index along its other dimensions, of each band."""
        return [
            (str(name), index)
            for name, band in self.cube.data_vars.items()
            for index in np.ndindex(band.shape[:-2])
        ]


def layout(cube: xr.Dataset) -> Layout:
    """Decide how a cube lies in a GeoTIFF.

    Raises
    ------
    CubeError
        What one file cannot hold: variables of several types, or without a place ...
    """
    grid, dims = grid_of(cube), dims_of(cube)
    if grid is None or dims is None:
        raise CubeError(
            "a GeoTIFF needs a regular grid along y and x, and the cube has none",
            hint="netCDF (.nc) and Zarr (.zarr) hold tables and series as well",
        )
    cube, _ = with_place(cube)
    for name, band in cube.data_vars.items():
        if not set(dims) <= set(band.dims):
            raise CubeError(
                f"{name} has no place: its dimensions are {', '.join(map(str, band.dims)) or 'none'}",
                hint="leave it out, or save netCDF (.nc) or Zarr (.zarr)",
            )
    cube = cube.transpose(..., *dims)
    return _checked(Layout(cube, grid, _dtype(cube), _nodata(cube)))


def _checked(found: Layout) -> Layout:
    if not 0 < len(found.bands) <= MOST:
        raise CubeError(
            f"a GeoTIFF has 1 to {MOST} bands, and this would be {len(found.bands)}",
            hint="save a file for each date: {time} in the name, for example 'out/{time}.tif'",
        )
    return found


def _dtype(cube: xr.Dataset) -> str:
    types = {str(name): band.dtype for name, band in cube.data_vars.items()}
    for name, dtype in types.items():
        if dtype.kind not in "biufc" or not rasterio.dtypes.check_dtype(_held(dtype)):
            raise CubeError(
                f"a GeoTIFF cannot hold {name}, which is of type {dtype}",
                hint="turn it into numbers, leave it out, or save netCDF (.nc) or Zarr (.zarr)",
            )
    if len(set(types.values())) > 1:
        listed = ", ".join(f"{name}: {dtype}" for name, dtype in types.items())
        raise CubeError(
            f"a GeoTIFF holds numbers of one type, and these differ ({listed})", hint=_APART
        )
    return _held(next(iter(types.values())))


def _held(dtype: np.dtype[Any]) -> str:
    if dtype == "float16" and not rasterio.dtypes.check_dtype("float16"):  # before GDAL 3.11
        return "float32"
    return "uint8" if dtype.kind == "b" else dtype.name


def _nodata(cube: xr.Dataset) -> float | None:
    result = {str(name): _missing(band) for name, band in cube.data_vars.items()}
    marks = {str(item): item for item in result.values()}
    if len(marks) > 1:
        listed = ", ".join(f"{name}: {item}" for name, item in result.items())
        raise CubeError(
            f"a GeoTIFF has one number for what is missing, and these differ ({listed})",
            hint=_APART,
        )
    return next(iter(marks.values()))


def _missing(band: xr.DataArray) -> float | None:
    told = meaning(band).nodata
    return float("nan") if told is None and band.dtype.kind == "f" else told


def write(found: Layout, path: Path, *, cog: bool, facts: Mapping[str, Any]) -> None:
    """Write a GeoTIFF.

    Pixels go into a plain one first, in whichever order they come; GDAL makes the final one of it,
    compressed, and for a COG with overviews.

    Parameters
    ----------
    found
        What to write.
    path
        Where to.
    cog
        Whether it is to be cloud-optimised.
    facts
        What to note of the whole.
    """
    plain = path.with_name("plain.tif")
    with _created(found, plain) as file:
        _describe(file, found, facts)
        _store(file, found)
    kind = (
        "c" if found.dtype == "float16" else np.dtype(found.dtype).kind
    )  # of neither differences help
    options = {"COMPRESS": "DEFLATE", "BIGTIFF": "IF_SAFER", "INTERLEAVE": "BAND"}
    if cog:
        method = "AVERAGE" if np.dtype(found.dtype).kind == "f" else "NEAREST"
        options |= {"PREDICTOR": "NO" if kind == "c" else "YES", "OVERVIEW_RESAMPLING": method}
        options |= {"BLOCKSIZE": "512", "NUM_THREADS": str(_limits.processors())}
    else:
        options |= {"TILED": "YES", "BLOCKXSIZE": "512", "BLOCKYSIZE": "512"}
        options |= {"PREDICTOR": {"c": "1", "f": "3"}.get(kind, "2")}
    rasterio.shutil.copy(plain, path, driver="COG" if cog else "GTiff", **options)
    plain.unlink()


@contextmanager
def _created(found: Layout, path: Path) -> Iterator[Any]:
    height, width = found.grid.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=len(found.bands),
        dtype=found.dtype, nodata=found.nodata, transform=found.grid.transform,
        crs=None if found.grid.crs is None else found.grid.crs.to_wkt(),
        tiled=True, blockxsize=256, blockysize=256, interleave="band", BIGTIFF="IF_SAFER",
    ) as file:  # fmt: skip
        yield file


def _store(file: Any, found: Layout) -> None:
    import dask.array as da

    first = 1
    sources: list[Any] = []
    targets: list[Any] = []
    for band in found.cube.data_vars.values():
        sources.append(da.asarray(band.data))
        targets.append(_Bands(file, first, band.shape[:-2]))
        first += int(np.prod(band.shape[:-2], dtype="int64"))
    lock = Lock()
    try:
        with threads():
            da.store(sources, targets, lock=lock)
    finally:
        with lock:  # a block that came after the file is closed would end the process
            for target in targets:
                target.closed = True


class _Bands:
    """The bands of one variable, for Dask to put blocks into."""

    def __init__(self, file: Any, first: int, shape: tuple[int, ...]) -> None:
        self._file, self._first, self._shape = file, first, shape
        self.closed = False

    def __setitem__(self, where: tuple[slice, ...], block: Any) -> None:
        if self.closed:
            return
        *others, rows, columns = where
        window = rasterio.windows.Window.from_slices(rows, columns)
        starts = [item.start for item in others]
        for index in np.ndindex(block.shape[:-2]):
            place = tuple(start + step for start, step in zip(starts, index, strict=True))
            number = int(np.ravel_multi_index(place, self._shape)) if place else 0
            self._file.write(
                block[index].astype(self._file.dtypes[0]), self._first + number, window=window
            )


def _describe(file: Any, found: Layout, facts: Mapping[str, Any]) -> None:
    """Write the names, scales, offsets and tags of all bands, and the cube's own."""
    scales, shifts, units = [], [], []
    for number, (name, index) in enumerate(found.bands, 1):
        band = found.cube[name][index]
        steps = _steps(band, found.cube[name].dims[:-2], index)
        words = [f"{dim}={text}" if dim != "time" else text for dim, text in steps.items()]
        file.set_band_description(number, " ".join([name, *words]))
        file.update_tags(number, variable=name, **steps, **_texts(band.attrs))
        means = meaning(band)
        scales.append(means.scale)
        shifts.append(float(np.nan_to_num(getattr(means.offset, "values", means.offset))))
        units.append(str(physical_attrs(band.attrs).get("units", "")))
    file.scales, file.offsets, file.units = scales, shifts, units
    noted = {notes.NAME: notes.written(_skeleton(found, facts), "the cube")}
    file.update_tags(**_texts(found.cube.attrs), **_moment(found.cube), **noted)


def _steps(band: xr.DataArray, dims: tuple[Any, ...], index: tuple[int, ...]) -> dict[str, str]:
    """Return of which date (or step of another dimension) a band is."""
    result = {
        str(dim): label(band[dim].values[()]) if dim in band.coords else str(at)
        for dim, at in zip(dims, index, strict=True)
    }
    if "time" in band.coords and not band["time"].ndim:  # it was chosen before
        result["time"] = label(band["time"].values[()])
    return result


def _texts(attrs: Mapping[Any, Any]) -> dict[str, str]:
    """Return those attributes that a text says as well."""
    return {
        str(name): str(value)
        for name, value in attrs.items()
        if isinstance(value, str | int | float) and name not in _KEPT
    }


def _moment(cube: xr.Dataset) -> dict[str, str]:
    times = cube.coords.get("time")
    if times is None or times.size != 1 or times.dtype.kind != "M":
        return {}
    text = str(times.values.astype("datetime64[s]").item().strftime("%Y:%m:%d %H:%M:%S"))
    return {"TIFFTAG_DATETIME": text}


def _skeleton(found: Layout, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `read` needs to make the cube again of the bands."""
    own = _places(found.cube, found.grid)
    return {
        **facts,
        "attrs": found.cube.attrs,
        "variables": {
            name: [list(band.dims), list(band.shape), band.dtype.name, band.attrs]
            for name, band in found.cube.data_vars.items()
        },
        "coords": {
            name: [list(coord.dims), None if name in own else coord.values, coord.attrs]
            for name, coord in found.cube.coords.items()
        },
    }


def _places(cube: xr.Dataset, grid: GeoBox) -> dict[str, xr.Variable]:
    """Return those coordinates that follow from the grid of a file, to the last bit."""
    made = xr_coords(grid, always_yx=True)
    names = dict(zip(("y", "x"), dims_of(cube) or ("y", "x"), strict=True))
    result = {names.get(str(name), str(name)): coord.variable for name, coord in made.items()}
    return {
        name: item
        for name, item in result.items()
        if name in cube.coords and np.array_equal(cube[name].values, item.values)
    }


def read(path: Path, chunks: Any) -> tuple[xr.Dataset, dict[str, Any]]:
    """Return the cube that `write` wrote, and what was noted of it.

    Raises
    ------
    CubeError
        The file is another program's.
    """
    with rasterio.open(path) as file:
        facts = notes.read(file.tags().get(notes.NAME))
        grid = GeoBox(file.shape, file.transform, file.crs)
    if not facts:
        raise CubeError(
            f"{path} was not written by save: nothing in it tells of a cube",
            hint="open it with rioxarray.open_rasterio(path)",
        )
    pixels = _pixels(path, chunks)
    variables, coords, first = facts.pop("variables"), facts.pop("coords"), 0
    bands = {}
    for name, (dims, shape, dtype, attrs) in variables.items():
        count = int(np.prod(shape[:-2], dtype="int64"))
        data = pixels[first : first + count].reshape(shape).astype(dtype)
        bands[name] = xr.Variable(dims, data, attrs)
        first += count
    made = {name: coord.variable for name, coord in xr_coords(grid, always_yx=True).items()}
    return xr.Dataset(bands, _coords(coords, made, dims[-2:]), facts.pop("attrs")), facts


def _pixels(path: Path, chunks: Any) -> Any:
    import rioxarray

    with warnings.catch_warnings():  # what differs from band to band is told by `_skeleton`
        warnings.filterwarnings("ignore", "(Offsets|Scales) differ across bands")
        # rioxarray for Python 3.11 asks xarray so
        warnings.filterwarnings("ignore", "Supplying chunks as dimension-order", FutureWarning)
        opened: Any = rioxarray.open_rasterio(path, chunks=chunks, mask_and_scale=False)
    return opened.data


def _coords(
    told: Mapping[str, Any], made: Mapping[Any, xr.Variable], place: list[str]
) -> dict[str, xr.Variable]:
    other = dict(zip(place, ("y", "x"), strict=True))
    return {
        name: xr.Variable(
            dims, made[other.get(name, name)].values if values is None else values, attrs
        )
        for name, (dims, values, attrs) in told.items()
    }

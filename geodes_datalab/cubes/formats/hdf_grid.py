"""Global variables in HDF5 files, whole or packed by gzip: POSTEL's albedo, leaf area, soil moisture and others.

The descriptor's options tell what files leave out: ``extent`` (west, south, east, north of the outer edges, degrees);
``missing`` (numbers that mean "nothing"); ``scaling``: whether physical values are the stored ones ``divided`` or
``multiplied`` by the file's attribute ``SCALING_FACTOR``, where it has one. CF's ``scale_factor`` always multiplies. A
band's own ``scale`` holds where it has one, and a file that tells another is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from geodes_datalab._types import Json
from geodes_datalab.cubes.formats import packed
from geodes_datalab.cubes.formats.described import about, on_grid
from geodes_datalab.cubes.formats.files import ProductFiles
from geodes_datalab.cubes.formats.registry import Wanted
from geodes_datalab.errors import CubeError, UnknownBand, near
from geodes_datalab.stac.readers import Band, Reader

Edges: TypeAlias = tuple[float, float, float, float]
"""West, south, east, north in degrees."""

_HDF4 = b"\x0e\x03\x13\x01"
_CLASSIC = b"CDF"
_NAMES = tuple(
    f"*.{ending}{packed}" for ending in ("h5", "hdf5", "he5", "hdf", "nc") for packed in ("", ".gz")
)
_OFFSETS = ("OFFSET", "add_offset", "ADD_OFFSET")
_MISSING = ("MISSING_VALUE", "_FillValue", "missing_value", "FILL_VALUE")


def open_product(files: ProductFiles, reader: Reader, item: Json, wanted: Wanted) -> xr.Dataset:
    """Open a global grid; see `registry.Opener`."""
    name = files.one(*_NAMES)
    with _opened(files, name) as file:
        held = _images(file)
        if not held:
            raise files.changed(f"has no image in {name}")
        bands = _chosen(files, reader, held, wanted.bands)
        grid, upwards = _grid(files, reader, file, next(iter(held.values())).shape)
        part = _window(grid, wanted.area)
        variables = {
            band.name: (
                ("y", "x"),
                *_physical(files, _Image(held[key], upwards), part, band, reader),
            )
            for key, band in bands.items()
        }
    return on_grid(grid[part], variables)


def _opened(files: ProductFiles, name: str) -> Any:
    """Open an HDF5 file, unpacked where it is packed by gzip."""
    import h5py  # type: ignore[import-untyped]

    stream = packed.plain(files, name)
    head = stream.read(4)
    stream.seek(0)
    if head == _HDF4:
        raise CubeError(
            f"{name} of {files.title} is HDF4, which is not read here",
            hint="download it with geodes_datalab.download(), and open it with pyhdf (pip install pyhdf)",
        )
    if head[:3] == _CLASSIC:
        raise CubeError(
            f"{name} of {files.title} is netCDF 3, which is not read here",
            hint="download it with geodes_datalab.download(), and open it with xarray.open_dataset",
        )
    try:
        return h5py.File(stream, "r")
    except OSError as error:
        raise files.damaged(name, f"could not be read as HDF5: {error}") from error


def _images(file: Any) -> dict[str, Any]:
    """Return the images of a file by their paths: those of the shape that is the largest."""
    import h5py

    found: dict[str, Any] = {}

    def visit(path: str, one: Any) -> None:
        if isinstance(one, h5py.Dataset) and one.ndim == 2 and min(one.shape) > 1:
            found[path] = one

    file.visititems(visit)
    largest = max((one.size for one in found.values()), default=0)
    return {path: one for path, one in found.items() if one.size == largest}


def _chosen(
    files: ProductFiles, reader: Reader, held: dict[str, Any], names: tuple[str, ...] | None
) -> dict[str, Band]:
    """Return which images are wanted, and what describes each: the descriptor, or only its own name."""
    plain = {path.rpartition("/")[2].upper(): path for path in held}
    known = {band.name.upper(): band for band in reader.bands if band.name.upper() in plain}
    if reader.options.get("named") and not known:
        wanted = [band.name for band in reader.bands]
        raise files.changed(
            f"has no variable {' or '.join(wanted)} (it has {', '.join(plain)})", wanted
        )
    if names is None:
        chosen = [name for name, band in known.items() if band.role == "data"] or list(plain)
    else:
        chosen = [name.upper() for name in names]
    for name in chosen:
        if name not in plain:
            raise UnknownBand(
                f"{files.title} has no {name}",
                near(name, list(plain)) or f"it holds: {', '.join(plain)}",
            )
    return {plain[name]: known.get(name, Band(plain[name].rpartition("/")[2])) for name in chosen}


def _grid(files: ProductFiles, reader: Reader, file: Any, shape: Any) -> tuple[GeoBox, bool]:
    """Return the grid, and whether the file's rows go northwards; its own coordinates win."""
    rows, columns = shape
    extent: Edges = tuple(reader.options.get("extent", (-180.0, -90.0, 180.0, 90.0)))
    y, x = _axis(file, ("lat", "latitude"), rows), _axis(file, ("lon", "longitude"), columns)
    if y is not None and x is not None:
        told = _extent(files, y, x)
        if np.abs(np.subtract(told, extent)).max() > 0.01 * abs(x[1] - x[0]):
            extent = told
    grid = GeoBox.from_bbox(extent, "EPSG:4326", shape=(rows, columns))
    across, down = abs(grid.resolution.x), abs(grid.resolution.y)
    if abs(across - down) > 1e-6 * across:
        raise files.changed(
            f"has {rows} x {columns} pixels, which are no squares on {extent} degrees"
        )
    return grid, y is not None and bool(y[0] < y[-1])


def _extent(files: ProductFiles, y: Any, x: Any) -> Edges:
    """Return the outer edges that go with the centres of pixels."""
    down, across = ((axis[-1] - axis[0]) / (axis.size - 1) for axis in (y, x))
    even = all(
        np.allclose(np.diff(axis), step, rtol=0.02) for axis, step in ((y, down), (x, across))
    )
    west, east = x[0] - across / 2, x[-1] + across / 2
    south, north = min(y[0], y[-1]) - abs(down) / 2, max(y[0], y[-1]) + abs(down) / 2
    if not even or across < 0 or west < -180 - across or east > 180 + across:
        raise files.changed(
            f"has no even pixels between 180 degrees west and east: longitudes go from {x[0]:g} to "
            f"{x[-1]:g}, latitudes from {y[0]:g} to {y[-1]:g}"
        )
    return float(west), float(south), float(east), float(north)


def _window(grid: GeoBox, area: Any) -> tuple[slice, slice]:
    """Return the rows and columns that the box of an area touches."""
    rows, columns = (int(size) for size in grid.shape)
    if area is None:
        return slice(0, rows), slice(0, columns)
    west, south, east, north = area.bounds
    (left, top), (right, bottom) = (
        ~grid.transform @ corner for corner in ((west, north), (east, south))
    )
    row, column = max(0, int(np.floor(top))), max(0, int(np.floor(left)))
    return (
        slice(row, max(row + 1, min(rows, int(np.ceil(bottom))))),
        slice(column, max(column + 1, min(columns, int(np.ceil(right))))),
    )


class _Image(NamedTuple):
    """An image of a file."""

    stored: Any
    upwards: bool
    """Whether its rows go northwards."""

    def read(self, files: ProductFiles, part: tuple[slice, slice]) -> Any:
        """Return rows from the north to the south, and columns."""
        rows, columns = part
        if self.upwards:
            total = self.stored.shape[0]
            rows = slice(total - rows.stop, total - rows.start)
        try:
            values = self.stored[rows, columns]
        except OSError as error:
            raise files.damaged(self.stored.name, f"could not be read: {error}") from error
        return values[::-1] if self.upwards else values


def _axis(file: Any, names: tuple[str, ...], size: int) -> Any:
    """Return the coordinates of rows or columns; nothing where the file has none."""
    found = (file[key] for key in file if str(key).lower() in names)
    return next((np.asarray(one[:], "float64") for one in found if one.shape == (size,)), None)


def _physical(
    files: ProductFiles, image: _Image, part: tuple[slice, slice], band: Band, reader: Reader
) -> tuple[Any, dict[str, Any]]:
    """Return values and attributes of an image."""
    stored = image.read(files, part)
    if band.classes:
        return stored, about(band, stored.dtype)
    told = image.stored.attrs
    scale = _scale(files, told, band, reader)
    offset = next(_numbers(told, _OFFSETS), band.offset)
    missing = [*_numbers(told, _MISSING), *map(float, reader.options.get("missing", ()))]
    values = stored.astype("float32") * np.float32(scale) + np.float32(offset)
    return np.where(np.isin(stored, missing), np.float32(np.nan), values), about(band)


def _scale(files: ProductFiles, told: Any, band: Band, reader: Reader) -> float:
    """Return by what stored values are multiplied.

    Raises
    ------
    FormatChanged
        The file tells another factor than the description; or nobody tells which way its factor goes.
    """
    usual = next(_numbers(told, ("scale_factor",)), 0.0)
    own = next(_numbers(told, ("SCALING_FACTOR", "SCALE_FACTOR")), 0.0)
    factor = usual or own
    inverse = 1 / factor if factor else 0.0
    if band.scale != 1.0:
        if factor and not np.isclose((factor, inverse), band.scale, rtol=1e-4).any():
            raise files.changed(
                f"tells a factor of {factor:g} for {band.name}, where its description has {band.scale:g}"
            )
        return band.scale
    if usual or not factor:
        return usual or 1.0
    way = reader.options.get("scaling")
    if way not in ("divided", "multiplied"):
        raise files.changed(
            f"tells a factor of {factor:g} for {band.name}, but not which way it goes"
        )
    return inverse if way == "divided" else factor


def _numbers(attrs: Any, names: tuple[str, ...]) -> Iterator[float]:
    """Yield what attributes tell, where it is a number."""
    for name in names:
        values = np.ravel(attrs.get(name, ()))
        if values.size and values.dtype.kind in "iuf":
            yield float(values[0])

"""Global variables in HDF5 files, whole or packed by gzip: POSTEL's albedo, leaf area, soil moisture and others.

The descriptor's options tell what files leave out: ``extent`` (west, south, east, north of the outer edges, degrees);
``missing`` (numbers that mean "nothing"); ``scaling``: whether physical values are the stored ones ``divided`` or
``multiplied`` by the file's attribute ``SCALING_FACTOR``, where it has one. A band's own ``scale`` holds otherwise.
"""

from __future__ import annotations

import gzip
import io
from typing import Any

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox
from odc.geo.xr import assign_crs, xr_coords

from geodes_datalab._types import Json
from geodes_datalab.cubes.formats.files import ProductFiles
from geodes_datalab.cubes.formats.registry import Wanted
from geodes_datalab.errors import CubeError, ReadError, UnknownBand, near
from geodes_datalab.stac.readers import Band, Reader

_LARGEST = 2**31
"""Bytes of an unpacked file, at most."""

_HDF4 = b"\x0e\x03\x13\x01"
_FACTORS = ("SCALING_FACTOR", "scale_factor", "SCALE_FACTOR")
_OFFSETS = ("OFFSET", "add_offset", "ADD_OFFSET")
_MISSING = ("MISSING_VALUE", "_FillValue", "missing_value", "FILL_VALUE")


def open_product(files: ProductFiles, reader: Reader, item: Json, wanted: Wanted) -> xr.Dataset:
    """Open a global grid; see `registry.Opener`."""
    name = files.one("*.h5", "*.h5.gz", "*.hdf5", "*.hdf5.gz", "*.he5", "*.hdf", "*.hdf.gz")
    with _opened(files, name) as file:
        held = _images(file)
        if not held:
            raise files.changed(f"has no image in {name}")
        bands = _chosen(files, reader, held, wanted.bands)
        grid = _grid(files, reader, next(iter(held.values())).shape, name)
        part = _window(grid, wanted.area)
        variables = {
            band.name: (("y", "x"), *_physical(held[key], part, band, reader))
            for key, band in bands.items()
        }
    return _on(grid[part], variables)


def _opened(files: ProductFiles, name: str) -> Any:
    """Open an HDF5 file, unpacked where it is packed by gzip."""
    import h5py  # type: ignore[import-untyped]

    stream: Any = files.stream(name)
    head = stream.read(4)
    stream.seek(0)
    if head[:2] == b"\x1f\x8b":
        stream = _unpacked(files, name, stream)
        head = stream.read(4)
        stream.seek(0)
    if head == _HDF4:
        raise CubeError(
            f"{name} of {files.title} is HDF4, which is not read here",
            hint="download it with geodes_datalab.download(), and open it with pyhdf (pip install pyhdf)",
        )
    try:
        return h5py.File(stream, "r")
    except OSError as error:
        raise ReadError(
            f"{name} of {files.title} could not be read as HDF5: {error}",
            hint="download the product again with geodes_datalab.download(), which checks its MD5",
        ) from error


def _unpacked(files: ProductFiles, name: str, stream: Any) -> io.BytesIO:
    """Unpack a file whole: gzip lets nothing be read from its middle."""
    try:
        with gzip.GzipFile(fileobj=stream) as packed:
            content = packed.read(_LARGEST + 1)
    except (OSError, EOFError) as error:
        raise ReadError(
            f"{name} of {files.title} is packed by gzip, and broken: {error}",
            hint="download the product again with geodes_datalab.download(), which checks its MD5",
        ) from error
    if len(content) > _LARGEST:
        raise files.changed(f"unpacks {name} to more than {_LARGEST // 2**30} GB")
    return io.BytesIO(content)


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


def _grid(files: ProductFiles, reader: Reader, shape: Any, name: str) -> GeoBox:
    rows, columns = shape
    extent = tuple(reader.options.get("extent", (-180, -90, 180, 90)))
    grid = GeoBox.from_bbox(extent, "EPSG:4326", shape=(rows, columns))
    across, down = abs(grid.resolution.x), abs(grid.resolution.y)
    if abs(across - down) > 1e-6 * across:
        raise files.changed(
            f"has {rows} x {columns} pixels in {name}, which are no squares on {extent} degrees"
        )
    return grid


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


def _physical(
    one: Any, part: tuple[slice, slice], band: Band, reader: Reader
) -> tuple[Any, dict[str, Any]]:
    """Return values and attributes of an image."""
    stored = one[part]
    told = {key: np.ravel(value)[0] for key, value in one.attrs.items() if np.size(value)}
    factor = next((float(told[key]) for key in _FACTORS if key in told), None)
    offset = next((float(told[key]) for key in _OFFSETS if key in told), band.offset)
    missing = [float(told[key]) for key in _MISSING if key in told]
    missing += list(map(float, reader.options.get("missing", ())))
    if band.classes:
        return stored, _attrs(band)
    scale = band.scale
    if factor:
        scale = 1 / factor if reader.options.get("scaling") == "divided" else factor
    values = stored.astype("float32") * np.float32(scale) + np.float32(offset)
    return np.where(np.isin(stored, missing), np.float32(np.nan), values), _attrs(band)


def _attrs(band: Band) -> dict[str, Any]:
    attrs: dict[str, Any] = {"units": band.units, "long_name": band.description or band.name}
    if band.standard_name:
        attrs["standard_name"] = band.standard_name
    if band.classes:
        attrs["flag_values"] = np.array([one.value for one in band.classes])
        attrs["flag_meanings"] = " ".join(one.name.replace(" ", "_") for one in band.classes)
    return attrs


def _on(grid: GeoBox, variables: dict[str, Any]) -> xr.Dataset:
    axes = dict(zip(("y", "x"), xr_coords(grid, always_yx=True).values(), strict=False))
    centres = {name: (name, np.asarray(axis.values)) for name, axis in axes.items()}
    return assign_crs(xr.Dataset(variables, centres), "EPSG:4326")

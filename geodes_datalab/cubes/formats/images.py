"""Images of products that are not on a map: lazy arrays, and what their headers tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
import numpy.typing as npt
from affine import Affine
from dask.delayed import delayed
from rasterio.control import GroundControlPoint
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from geodes_datalab.cubes.formats.files import ProductFiles
from geodes_datalab.cubes.plan.changed import damaged
from geodes_datalab.cubes.read import gdal, remote

BLOCK = 2048
"""Pixels along each side of a part that is read at once."""


class Header(NamedTuple):
    """What an image's own header tells."""

    shape: tuple[int, int, int]
    """Bands, rows, columns."""
    dtype: str
    nodata: float | None
    transform: Affine
    """Of pixels to the CRS; the identity where nothing is told."""
    crs: str
    """WKT; empty where none is told."""
    points: tuple[GroundControlPoint, ...]
    """Ground control points, in degrees or in their own CRS."""
    names: tuple[str, ...]
    """What each band is called; empty texts where nothing is told."""
    tags: dict[str, str]


def header(files: ProductFiles, name: str) -> Header:
    """Read the header of an image.

    Raises
    ------
    ReadError
        It is no image, or a damaged one.
    """
    path, size = files.gdal(name)
    return _asked(path, size, _header)  # type: ignore[no-any-return]


def lazy(files: ProductFiles, name: str, told: Header) -> Any:
    """Return the pixels of an image as a lazy array (band, line, pixel), of the type that is stored.

    Parameters
    ----------
    files, name
        The product, and the image in it.
    told
        What `header` returned.
    """
    path, size = files.gdal(name)
    bands, rows, columns = told.shape
    read = delayed(_window, pure=True)
    strips = [
        [
            da.from_delayed(
                read(
                    path, size, (row, column, min(BLOCK, rows - row), min(BLOCK, columns - column))
                ),
                (bands, min(BLOCK, rows - row), min(BLOCK, columns - column)),
                told.dtype,
            )
            for column in range(0, columns, BLOCK)
        ]
        for row in range(0, rows, BLOCK)
    ]
    return da.concatenate([da.concatenate(strip, axis=2) for strip in strips], axis=1)


def _window(path: str, size: int | None, window: Sequence[int]) -> npt.NDArray[Any]:
    row, column, height, width = window

    def pixels(file: Any) -> npt.NDArray[Any]:
        return np.asarray(file.read(window=Window(column, row, width, height)))

    return _asked(path, size, pixels)  # type: ignore[no-any-return]


def _header(file: Any) -> Header:
    points, crs = file.gcps
    told = file.crs or crs
    return Header(
        (file.count, file.height, file.width), file.dtypes[0], file.nodata, file.transform,
        told.to_wkt() if told else "", tuple(points), tuple(item or "" for item in file.descriptions),
        file.tags(),
    )  # fmt: skip


def _asked(path: str, size: int | None, ask: Any) -> Any:
    """Open an image, wherever it lies, and ask it something."""

    def read(inside: str) -> Any:
        # not rasterio.open, which would warn in its own name that there is no georeference
        with DatasetReader(inside, sharing=False) as file:
            return ask(file)

    try:
        return gdal.off_main_thread(lambda: remote.by_gdal(path, size, read))
    except RasterioError as error:
        name = path.rpartition("/")[2]
        raise damaged(f"{name} could not be read: {gdal.without_addresses(str(error))}") from error

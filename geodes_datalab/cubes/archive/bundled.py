"""Libraries that GDAL brings along: in rasterio's wheel, or where the system has them."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import rasterio

Functions = Mapping[str, tuple[Any, list[Any]]]
"""Type of the result, and of the arguments, by name."""


def libraries(pattern: str, names: Sequence[str], functions: Functions) -> Iterator[Any]:
    """Yield libraries that have some functions, those of rasterio's wheel before the system's.

    Parameters
    ----------
    pattern
        Of the file's name in the wheel.
    names
        Of the system's.
    functions
        That it must have.
    """
    package = Path(rasterio.__file__).parent
    folders = (package.with_name("rasterio.libs"), package / ".dylibs")
    bundled = [str(path) for folder in folders for path in sorted(folder.glob(pattern))]
    for name in bundled or names:
        try:
            library = ctypes.CDLL(name)
            for function, (result, arguments) in functions.items():
                getattr(library, function).restype = result
                getattr(library, function).argtypes = arguments
        except (OSError, AttributeError):
            continue
        yield library

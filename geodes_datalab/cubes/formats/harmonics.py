"""Spherical harmonics of the Earth's gravity: coefficients by degree and order, from ICGEM's or GRGS's text files.

Lines are ``gfc L M C S [sigma C, sigma S]`` (ICGEM), or ``L M C S ...`` below a header (GRGS, GINS). Coefficients are
fully normalised where the file does not tell otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from geodes_datalab._types import Json
from geodes_datalab.cubes.formats.files import ProductFiles
from geodes_datalab.cubes.formats.gravity_grid import text_of
from geodes_datalab.cubes.formats.registry import Wanted
from geodes_datalab.stac.readers import Reader

_NUMBER = r"[-+]?\d*\.?\d+(?:[EeDd][-+]?\d+)?"
_LINE = re.compile(
    rf"^\s*(?:gfct?\s+|GCOEF\d?\s+)?(\d{{1,3}})\s+(\d{{1,3}})\s+({_NUMBER})\s+({_NUMBER})(?:\s+({_NUMBER})\s+({_NUMBER}))?",
)
_TOLD = {
    "earth_gravity_constant": "earth_gravity_constant", "radius": "radius", "max_degree": "max_degree",
    "norm": "norm", "tide_system": "tide_system", "modelname": "model", "product_type": "product_type",
}  # fmt: skip
_LARGEST = 2190
"""Degree of the finest models."""


def open_product(files: ProductFiles, reader: Reader, item: Json, wanted: Wanted) -> xr.Dataset:
    """Open coefficients; see `registry.Opener`."""
    name = files.one(*reader.options["members"])
    header, rows = _parsed(text_of(files, name))
    if not rows:
        raise files.changed(f"has no coefficients in {name}")
    degree = max(row[0] for row in rows)
    if degree > _LARGEST or any(order > one for one, order, *_ in rows):
        raise files.changed(f"has coefficients in {name} of degrees and orders that do not exist")
    shape = (degree + 1, degree + 1)
    arrays = {key: np.full(shape, np.nan) for key in ("clm", "slm", "clm_sigma", "slm_sigma")}
    for one, order, *values in rows:
        for key, value in zip(arrays, values, strict=True):
            arrays[key][one, order] = value
    given = {key: array for key, array in arrays.items() if np.isfinite(array).any()}
    variables = {
        key: (("degree", "order"), array, {"units": "1", "long_name": _WORDS[key]})
        for key, array in given.items()
    }
    axis = np.arange(degree + 1)
    result = xr.Dataset(variables, {"degree": axis, "order": axis}, _attrs(header))
    return result if wanted.bands is None else result[list(wanted.bands)]


_WORDS = {
    "clm": "cosine coefficients", "slm": "sine coefficients",
    "clm_sigma": "uncertainty of the cosine coefficients (1 sigma)",
    "slm_sigma": "uncertainty of the sine coefficients (1 sigma)",
}  # fmt: skip


def _parsed(text: str) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
    """Return what the header tells, and degree, order, C, S and their uncertainties of each line."""
    header: dict[str, str] = {}
    rows = []
    for line in text.splitlines():
        if found := _LINE.match(line):
            degree, order, *values = found.groups()
            numbers = [
                float(one.replace("D", "E").replace("d", "e")) if one else np.nan for one in values
            ]
            rows.append((int(degree), int(order), *numbers))
        elif not rows:
            key, _, value = line.strip().partition(" ")
            if key.lower() in _TOLD and value.strip():
                header[_TOLD[key.lower()]] = value.strip()
    return header, rows


def _attrs(header: Mapping[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = {"norm": "fully_normalized", **header}
    for key, units in (("earth_gravity_constant", "m3 s-2"), ("radius", "m")):
        if key in result:
            result[key] = float(str(result[key]).split()[0].replace("D", "E").replace("d", "e"))
            result[f"{key}_units"] = units
    return result

"""NetCDF files of products: variables as they are stored, and what they mean."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import xarray as xr

from geodes_datalab._display import some
from geodes_datalab.cubes.attributes import classes
from geodes_datalab.cubes.formats.files import ProductFiles
from geodes_datalab.errors import UnknownBand, near
from geodes_datalab.stac.readers import Band, Reader

_UNITS = {
    "m/s": "m s-1",
    "m.s-1": "m s-1",
    "meters": "m",
    "metres": "m",
    "meter": "m",
    "degrees": "degree",
    "m^2": "m2",
    "none": "1",
    "count": "1",
}
"""Spellings of units -> CF's."""

_KEPT = ("units", "standard_name", "long_name", "comment", "flag_values", "flag_masks", "flag_meanings")  # fmt: skip


class File:
    """A netCDF file of a product, of which the groups are opened lazily.

    Parameters
    ----------
    files, name
        The product, and the file in it.
    """

    def __init__(self, files: ProductFiles, name: str) -> None:
        self._files, self._name = files, name
        stream = files.stream(name)
        self._classic = stream.read(3) == b"CDF"
        stream.seek(0)
        self._stream = None if self._classic else stream

    def group(self, group: str | None = None) -> xr.Dataset:
        """Return the variables of one group, or of none: numbers are as they are stored.

        Raises
        ------
        FormatChanged
            There is no such group.
        ReadError
            It is no netCDF file, or a damaged one.
        """
        source: Any = self._stream or io.BytesIO(self._files.read(self._name))
        engine = "scipy" if self._classic else "h5netcdf"
        options: dict[str, Any] = {} if self._classic else {"phony_dims": "access"}
        try:
            return xr.open_dataset(
                source, engine=engine, group=group, chunks={}, decode_cf=False, **options
            )
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            if group and "group" in str(error).lower():
                raise self._files.changed(f"has no group {group} in {self._name}") from error
            how = f"could not be read as netCDF: {error}"
            raise self._files.damaged(self._name, how) from error


def chosen(
    files: ProductFiles, reader: Reader, held: Mapping[Any, Any], wanted: Sequence[str] | None
) -> dict[str, tuple[Band, str]]:
    """Return the bands that are wanted: name -> the band, and the variable that holds it.

    Parameters
    ----------
    files, reader
        The product, and what describes it. Its options may have ``required`` (names of bands) and ``also``
        (further names that a band has in other versions).
    held
        Variables that there are.
    wanted
        Names of bands, or of variables that the description leaves out; None for all measurements.

    Raises
    ------
    FormatChanged
        A required variable is missing.
    UnknownBand
        The product has no such variable.
    """
    there = {band.name: found for band in reader.bands if (found := _held(reader, band, held))}
    missing = [name for name in reader.options.get("required", ()) if name not in there]
    if missing or not there:
        lost = missing or [reader.bands[0].name]
        raise files.changed(
            f"has no variable {' or '.join(lost)} (it has {some(list(held), 8)})", lost
        )
    if wanted is None:
        named = [band for band in reader.bands if band.role == "data" and band.name in there]
        return {band.name: (band, there[band.name]) for band in named}
    result = {}
    for name in wanted:
        band = _named(reader, name, held)
        if band.name not in there and band.name not in held:
            raise UnknownBand(
                f"{files.title} has no {name}", f"it holds: {some([*there, *held], 20)}"
            )
        result[band.name] = (band, there.get(band.name, band.name))
    return result


def _held(reader: Reader, band: Band, held: Mapping[Any, Any]) -> str:
    """Return the variable that holds a band; nothing where there is none."""
    names = (band.name, *reader.options.get("also", {}).get(band.name, ()))
    return next((name for name in names if name in held), "")


def _named(reader: Reader, name: str, held: Mapping[Any, Any]) -> Band:
    """Return a band by its name, be it but a variable of the file."""
    try:
        return reader.band(name)
    except UnknownBand:
        if name in held:
            return Band(name)
        if hint := near(name, list(map(str, held))):
            raise UnknownBand(f"{reader.collection} has no {name}", hint) from None
        raise


def decoded(dataset: xr.Dataset, name: str, band: Band | None = None) -> xr.Variable:
    """Return one variable as it is meant: numbers with their unit, times, or flags as integers.

    Parameters
    ----------
    dataset
        As `File` opened it.
    name
        Of the variable.
    band
        What the description tells of it, where the file does not.
    """
    whole = dataset[[name]].drop_vars(set(dataset.coords) - {name}, errors="ignore")
    raw = whole[name].variable
    if raw.dtype.kind == "S":
        result = _text(raw)
    elif is_flag(raw, band):
        result = raw.copy(deep=False)
    else:
        result = xr.decode_cf(whole, decode_coords=False)[name].variable
        if result.dtype.kind == "f" and band is not None and band.nodata is not None:
            result = _where(result, result != band.nodata)
    result.attrs = _attributes(raw, band, name)
    if result.dtype.kind == "M":
        result.attrs.pop("units", None)
    result.encoding = {}
    return result


def _text(raw: xr.Variable) -> xr.Variable:
    """Return words that are stored as letters, or as bytes."""
    if raw.dtype.itemsize > 1 or raw.ndim < 2:
        return xr.Variable(raw.dims, raw.data.astype("U"), raw.attrs)
    whole = raw.chunk({raw.dims[-1]: -1})
    letters = xr.decode_cf(xr.Dataset({"words": whole}), decode_coords=False)["words"].variable
    return xr.Variable(letters.dims, letters.data.astype(f"U{raw.shape[-1]}"), raw.attrs)


def is_flag(raw: xr.Variable, band: Band | None) -> bool:
    """Tell whether the numbers of a variable are names, or bits that are."""
    told = {"flag_values", "flag_masks", "flag_meanings"} & set(raw.attrs)
    by_band = band is not None and (bool(band.classes) or band.role == "mask")
    return raw.dtype.kind in "iu" and (bool(told) or by_band)


def _attributes(raw: xr.Variable, band: Band | None, name: str) -> dict[str, Any]:
    result = {key: raw.attrs[key] for key in _KEPT if key in raw.attrs}
    if units := str(result.get("units", "")).strip():
        result["units"] = _UNITS.get(units.lower(), units)
    if band is None:
        return result
    result.setdefault("units", band.units)
    result.setdefault("long_name", band.description or name)
    if band.standard_name:
        result["standard_name"] = band.standard_name
    told = {"vertical_datum": band.datum, "positive": band.positive}
    result |= {key: text for key, text in told.items() if text}
    if band.quality:
        result["ancillary_variables"] = band.quality
    if "flag_meanings" not in result:
        result |= classes(band, raw.dtype)
    if "flag_meanings" in result:
        result.pop("units", None)
    return result


def bad_bits(flags: xr.Variable, patterns: Sequence[str]) -> tuple[int, list[str]]:
    """Return the bits of a flag that make values useless, by what the file itself calls them.

    Parameters
    ----------
    flags
        With ``flag_masks`` and ``flag_meanings``.
    patterns
        Of those meanings (fnmatch).
    """
    names = str(flags.attrs.get("flag_meanings", "")).split()
    masks = np.ravel(flags.attrs.get("flag_masks", ())).astype("int64").tolist()
    if len(names) != len(masks):
        return 0, []
    bad = [
        (mask, name)
        for mask, name in zip(masks, names, strict=True)
        if any(fnmatchcase(name.lower(), one) for one in patterns)
    ]
    return sum(mask for mask, _ in bad), [name for _, name in bad]


def kept(
    values: xr.Variable, flags: xr.Variable, band: Band, patterns: Sequence[str]
) -> xr.Variable:
    """Return values without those that their flags call useless.

    Parameters
    ----------
    values, flags
        Of the same shape.
    band
        What describes the values; its ``good`` are the flags' values that are kept, where told.
    patterns
        Of meanings of bits that make values useless, where ``good`` is empty.
    """
    if values.dtype.kind != "f":
        return values
    if band.good:
        mask = _among(flags, band.good)
        told = f"{band.quality} is {', '.join(map(str, band.good))}"
    else:
        bits, names = bad_bits(flags, patterns)
        if not bits:
            return values
        mask = (flags.astype("int64") & bits) == 0
        told = f"{band.quality} has none of {some(names, 6)}"
    result = _where(values, mask)
    result.attrs = {**values.attrs, "valid_where": told}
    return result


def _among(flags: xr.Variable, good: Sequence[int]) -> xr.Variable:
    return xr.Variable(flags.dims, xr.DataArray(flags).isin(list(good)).data)


def _where(values: xr.Variable, mask: Any) -> xr.Variable:
    found = xr.DataArray(values).where(xr.DataArray(mask))
    return xr.Variable(values.dims, found.data, values.attrs)


_NAME = re.compile(
    r"SWOT_L\d_(?:LR|HR)_\w+?_(?P<cycle>\d{3})_(?P<pass>\d{3})_(?:(?P<tile>\d{3}[LRF])_)?"
    r"\d{8}T\d{6}_\d{8}T\d{6}_(?P<version>[A-Za-z0-9.]+)"
)
_DAILY = range(400, 600)
"""Cycles of the phase in which the orbit came back every day (until July 2023)."""


def passing(attrs: Mapping[str, Any], name: str) -> tuple[dict[str, int], dict[str, str]]:
    """Return cycle and pass of a SWOT product, and the texts that tell which one it is; nothing for others.

    Parameters
    ----------
    attrs
        Of the whole file.
    name
        Of the file or product.

    Examples
    --------
    >>> numbers, texts = passing({}, "SWOT_L3_LR_SSH_Expert_482_003_20230401T000000_20230401T005100_v2.0.1.nc")
    >>> numbers, texts["orbit_phase"]
    ({'cycle': 482, 'pass': 3}, '1-day')
    """
    found = _NAME.search(name)
    named: Mapping[str, Any] = found.groupdict() if found else {}
    numbers = {}
    for key in ("cycle", "pass"):
        told = attrs.get(f"{key}_number", named.get(key))
        if told is not None:
            numbers[key] = int(np.ravel(told)[0])
    texts = {}
    if numbers and found:
        crid = str(attrs.get("crid") or named["version"])
        phase = "1-day" if numbers.get("cycle", 0) in _DAILY else "21-day"
        texts = {"crid": crid.removesuffix(".nc"), "orbit_phase": phase}
        if named["tile"]:
            texts["tile"] = named["tile"]
    return numbers, texts

"""What the numbers in one file mean, and how they are handed out: where they are read, file by file.

A file whose numbers mean something else than its neighbour's is no trouble here: each comes out as the
cube wants it. Missing is what the catalogue or the file itself says is missing, and nothing else.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox
from odc.geo.overlap import compute_reproject_roi
from odc.loader import RasterLoadParams
from rasterio.enums import MaskFlags
from rasterio.windows import Window

from geodes_datalab.errors import ReadError
from geodes_datalab.ops.scaling import physical_numbers

_OWN_MASKS = {MaskFlags.per_dataset, MaskFlags.alpha}


class Meaning(NamedTuple):
    """What the catalogue tells of the numbers in a file, and whether physical values are wanted.

    It travels with the file's address.
    """

    nodata: float | None
    """Stored number that means "nothing"; None where it is not told."""
    scale: float | None
    """None where it is not told: then the file's own counts."""
    offset: float | None
    """In physical units; None where it is not told."""
    physical: bool
    """Whether values are wanted instead of stored numbers."""


class Facts(NamedTuple):
    """What a file tells of its numbers."""

    dtype: str
    nodata: float | None
    scale: float | None
    """None where it tells nothing."""
    offset: float | None
    units: str | None
    masked: bool
    """Whether it has a mask, or an alpha band, of its own."""


def facts(file: Any, band: int = 1) -> Facts:
    """Return what an open file tells of the numbers in one of its bands.

    Parameters
    ----------
    file
        As rasterio opens it.
    band
        Number of the band, from 1.
    """
    place = band - 1
    scale, offset = float(file.scales[place]), float(file.offsets[place])
    told = (scale, offset) not in ((1.0, 0.0), (0.0, 0.0)) and math.isfinite(scale + offset)
    return Facts(
        file.dtypes[place],
        holdable(file.nodatavals[place], file.dtypes[place]),
        (scale or 1.0) if told else None,
        offset if told else None,
        file.units[place] or None,
        bool(_OWN_MASKS & set(file.mask_flag_enums[place])),
    )


def holdable(value: float | None, dtype: str) -> float | None:
    """Return a number as a type holds it; None where it cannot, so that no pixel is that number.

    Examples
    --------
    >>> holdable(-9999, "uint16"), holdable(float("nan"), "int16"), holdable(255, "uint8")
    (None, None, 255)
    """
    if value is None:
        return None
    kind = np.dtype(dtype)
    if kind.kind == "f":
        with np.errstate(over="ignore"):
            return float(kind.type(value))
    if not math.isfinite(value) or value != int(value):
        return None
    limits = np.iinfo(kind)
    return int(value) if limits.min <= value <= limits.max else None


def asked(params: RasterLoadParams, meaning: Meaning, told: Facts) -> RasterLoadParams:
    """Describe to odc-loader what to read of a file, before it becomes what is wanted.

    Raises
    ------
    ReadError
        The file holds numbers that the cube's type cannot, or resampling would mix missing ones in.
    """
    named = holdable(meaning.nodata, told.dtype)
    own = told.nodata
    finite = [item for item in (own, named) if item is not None and not math.isnan(item)]
    if len(set(finite)) > 1 and not params.nearest:
        raise ReadError(
            f"the catalogue says that {named:g} means missing, and the file that {own:g} does",
            hint='both can be told from values with resampling="nearest" only',
        )
    missing = finite[0] if finite else named if own is None else own
    if missing is None and not told.masked and np.dtype(told.dtype).kind == "f":
        missing = math.nan  # nobody says so, and no value is made of it
    if meaning.physical:
        wide = np.dtype(told.dtype).kind == "c" or not np.can_cast(told.dtype, "float32")
        fill: float | None = math.nan
        dtype = "float64" if wide else "float32"
    else:
        refuse_narrow(params, told)
        dtype, fill = str(params.dtype), params.fill_value
        if missing is None and holdable(fill, told.dtype) is not None and told.dtype[0] != "f":
            fill = None  # it is a value here: GDAL would change it, to keep it for missing pixels
    override = missing if own is not None and math.isnan(own) else None
    return params.patch(
        dtype=dtype, fill_value=fill, src_nodata_fallback=missing, src_nodata_override=override
    )


def refuse_narrow(params: RasterLoadParams, told: Facts) -> None:
    """Refuse a file whose numbers the cube's type cannot hold."""
    if not np.can_cast(told.dtype, str(params.dtype)):
        raise ReadError(
            f"it is stored as {told.dtype}, which does not fit into {params.dtype}, as the catalogue "
            "or the other products have it",
            hint="load physical values (without raw=True), or load it by itself",
        )


def converted(
    pixels: npt.NDArray[Any],
    params: RasterLoadParams,
    meaning: Meaning,
    told: Facts,
    *,
    out: npt.NDArray[Any] | None = None,
) -> npt.NDArray[Any]:
    """Make what was read as it is into what is wanted; ``out`` is used where it suits.

    Parameters
    ----------
    pixels
        As in the file; or as `asked` says, with missing ones replaced already.
    params
        odc-loader's description of the output.
    meaning, told
        What the catalogue and the file tell.
    out
        Where the result may be put.
    """
    bad = _missing(pixels, (holdable(meaning.nodata, told.dtype), told.nodata))
    if not meaning.physical:
        result = pixels.astype(params.dtype, copy=False)
        return result if bad is None else _replaced(result, bad, params.fill_value)
    into = (
        out if out is not None and out.shape == pixels.shape and out.dtype == params.dtype else None
    )
    scale, offset = meaning.scale, meaning.offset
    if scale is None and offset is None:  # what the file tells goes together
        scale, offset = told.scale, told.offset
    result = physical_numbers(
        pixels, 1.0 if scale is None else scale, offset or 0.0, dtype=str(params.dtype), out=into
    )
    if bad is not None:
        np.copyto(result, np.nan, where=bad)
    return result


def _missing(
    pixels: npt.NDArray[Any], marks: tuple[float | None, ...]
) -> npt.NDArray[np.bool_] | None:
    """Tell which pixels are one of the numbers that mean "nothing"; None where none is."""
    bad = None
    for mark in dict.fromkeys(marks):
        if mark is None or math.isnan(mark):
            continue
        result = pixels == np.asarray(mark).astype(pixels.dtype)
        bad = result if bad is None else bad | result
    return bad if bad is not None and bad.any() else None


def _replaced(pixels: npt.NDArray[Any], bad: npt.NDArray[np.bool_], fill: Any) -> Any:
    if not (pixels[bad] != fill).any():
        return pixels
    result = pixels.copy() if not pixels.flags.writeable else pixels
    result[bad] = fill
    return result


def hide(
    file: Any, params: RasterLoadParams, geobox: GeoBox, pixels: npt.NDArray[Any], *, band: int = 1
) -> None:
    """Make pixels missing that a file's own mask hides, where odc-loader took them as they are.

    GDAL minds the mask where it warps.
    """
    roi = compute_reproject_roi(
        GeoBox(file.shape, file.transform, file.crs), geobox, ttol=0.9 if params.nearest else 0.05
    )
    if roi.paste_ok and roi.read_shrink == 1:
        rows, columns = roi.roi_src
        seen = file.read_masks(band, window=Window.from_slices(rows, columns))
        if seen.shape == pixels.shape:
            pixels[seen == 0] = params.fill_value

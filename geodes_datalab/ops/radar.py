"""Time series of radar backscatter: decibels, statistics, change, a speckle filter.

Input is linear power (sigma0 or gamma0, as S1Tiling and RTC products give it), with a dimension
``time``. Zero, negative and missing values become NaN wherever a logarithm or a ratio is taken.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from geodes_datalab.errors import CubeError
from geodes_datalab.ops.packing import to_physical

_KEPT = ("common_name", "polarization", "orbit_state", "relative_orbit", "source")


def to_db(power: xr.DataArray) -> xr.DataArray:
    """Return decibels, ``10 log10(power)``.

    Examples
    --------
    >>> to_db(xr.DataArray([0.01, 1.0, 0.0])).values
    array([-20.,   0.,  nan])
    """
    power = to_physical(power)
    result = 10 * xr.apply_ufunc(np.log10, power.where(power > 0), dask="allowed")
    return _described(result, power, units="dB")


def from_db(decibels: xr.DataArray) -> xr.DataArray:
    """Return linear power, ``10 ** (decibels / 10)``.

    Examples
    --------
    >>> from_db(xr.DataArray([-20.0, 0.0])).values
    array([0.01, 1.  ])
    """
    return _described(10 ** (decibels / 10), decibels, units="1")


def temporal_statistics(power: xr.DataArray) -> xr.Dataset:
    """Return statistics of each pixel over time.

    Parameters
    ----------
    power
        (time, y, x), linear power.

    Returns
    -------
    xarray.Dataset
        (y, x): ``mean``, ``std`` (of the population), ``cv`` (coefficient of variation, std / mean:
        low over stable targets, about 1 / sqrt(looks) for pure speckle, high where something
        changed), ``minimum``, ``maximum``, ``count``.

    Examples
    --------
    >>> stats = temporal_statistics(xr.DataArray([1.0, 3.0], dims="time"))
    >>> stats["mean"].item(), stats["std"].item(), stats["cv"].item()
    (2.0, 1.0, 0.5)
    """
    power = to_physical(power)
    count = power.notnull().sum("time")
    # where there is nothing, a mean would divide by zero, with a warning
    some = count.astype(power.dtype).where(count > 0)
    mean = power.sum("time", skipna=True) / some
    std = (((power - mean) ** 2).sum("time", skipna=True) / some) ** 0.5
    least, most = power.fillna(np.inf).min("time"), power.fillna(-np.inf).max("time")
    statistics = {
        "mean": (mean, "mean over time"),
        "std": (std, "standard deviation over time"),
        "cv": (std / mean.where(mean != 0), "coefficient of variation over time"),
        "minimum": (least.where(count > 0), "minimum over time"),
        "maximum": (most.where(count > 0), "maximum over time"),
        "count": (count.astype("uint16"), "number of valid observations"),
    }
    return xr.Dataset(
        {
            name: _described(band, power, units="1", long_name=text)
            for name, (band, text) in statistics.items()
        },
        attrs={
            "title": f"Statistics over time of {'backscatter' if power.name is None else power.name}"
        },
    )


def log_ratio(before: xr.DataArray, after: xr.DataArray) -> xr.DataArray:
    """Return the change between two images in decibels, ``10 log10(after / before)``.

    Positive where backscatter rose. Average several dates on each side first: that lessens speckle.

    References
    ----------
    Rignot, van Zyl (1993), Change detection techniques for ERS-1 SAR data, IEEE TGRS 31(4).

    Examples
    --------
    >>> log_ratio(xr.DataArray([0.1]), xr.DataArray([1.0])).values
    array([10.])
    """
    old, new = to_physical(before), to_physical(after)
    ratio = new.where(new > 0) / old.where(old > 0)
    result = 10 * xr.apply_ufunc(np.log10, ratio, dask="allowed")
    return _described(result, new, units="dB", long_name="change of backscatter (log-ratio)")


def despeckle(power: xr.DataArray, *, window: int = 7) -> xr.DataArray:
    """Return a time series with less speckle, at full resolution (Quegan's multi-temporal filter).

    Each date is ``E[I_k] / N * sum_i(I_i / E[I_i])``, where ``E`` is the mean over a square window
    and N the number of dates: what is common to all dates sharpens the local mean of each.

    Parameters
    ----------
    power
        (time, y, x), linear power, all dates from the same orbit.
    window
        Side of the square, in pixels; odd.

    Returns
    -------
    xarray.DataArray
        (time, y, x), float32. The radiometry of each date is kept: its local means stay.

    References
    ----------
    Quegan, Yu (2001), Filtering of multichannel SAR images, IEEE TGRS 39(11).
    """
    if window < 1 or window % 2 == 0:
        raise CubeError(f"window must be odd and positive, not {window}", hint="use 5, 7 or 9")
    power = to_physical(power).transpose("time", "y", "x").astype("float32")
    if power.chunks is None:
        filtered = _quegan(power.values, window)
    else:
        import dask.array as da

        whole = power.chunk(time=-1).data
        margin = {0: 0, 1: window // 2, 2: window // 2}
        filtered = da.map_overlap(
            _quegan, whole, window=window, depth=margin, boundary=np.nan, dtype="float32"
        )
    return _described(power.copy(data=filtered), power, units="1")


def _quegan(stack: npt.NDArray[np.float32], window: int) -> npt.NDArray[np.float32]:
    local = np.stack([_local_mean(image, window) for image in stack])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(local > 0, stack / local, np.nan)
        valid = np.isfinite(ratio)
        common = np.where(valid, ratio, 0).sum(0) / valid.sum(0)
    return np.where(np.isfinite(stack), local * common, np.nan).astype("float32")


def _local_mean(image: npt.NDArray[np.float32], window: int) -> npt.NDArray[np.float64]:
    """Return the mean of the valid pixels in a square around each pixel."""
    from scipy.ndimage import uniform_filter

    valid = np.isfinite(image)
    total = uniform_filter(np.where(valid, image, 0).astype("float64"), window, mode="constant")
    share = uniform_filter(valid.astype("float64"), window, mode="constant")
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(share > 0.5 / window**2, total / share, np.nan))


def _described(
    result: xr.DataArray, source: xr.DataArray, *, units: str, long_name: str | None = None
) -> xr.DataArray:
    kept = {name: source.attrs[name] for name in _KEPT if name in source.attrs}
    text = long_name or source.attrs.get("long_name")
    result.attrs = {**kept, "units": units} | ({"long_name": text} if text else {})
    result.encoding = {k: v for k, v in source.encoding.items() if k == "grid_mapping"}
    return result

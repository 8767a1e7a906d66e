"""One image out of many: composites of a time series, for the whole of it or for each period.

Values are physical (`geodes_datalab.ops.to_physical`) and float32; missing pixels do not count. Mask
clouds first, for example with `geodes_datalab.ops.clear`. Of a cube that is lazy, composites are lazy.
Quality masks are left out, since a median of flags means nothing.

Medians and percentiles of stored integers are calculated on the integers, and made physical after that:
`geodes_datalab.ops.ordering` says how. Of a Dask array, the chunks of all dates at one place become one
chunk of the result, in one step: memory is needed for those, so cubes of hundreds of dates want smaller
chunks in x and y.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import xarray as xr

from geodes_datalab.errors import CubeError, near
from geodes_datalab.ops.ordering import Rule, quantile
from geodes_datalab.ops.packing import (
    each,
    is_mask,
    is_offset,
    offsets,
    physical_attrs,
    refuse_nameless,
    to_physical,
    understood,
)
from geodes_datalab.ops.scaling import shift

Data = TypeVar("Data", xr.Dataset, xr.DataArray)

PERIODS = {"month": (1, 0), "quarter": (3, 0), "season": (3, 1), "year": (12, 0)}
"""Periods -> their length in months, and by how many months they begin before January."""


def median(data: Data, *, period: str | None = None) -> Data:
    """Return the median over time, of an even number of values the mean of the two in the middle.

    It is numpy's ``nanmedian``, exactly, of the stored numbers without those that mean "no data"; then
    it is made physical.

    Parameters
    ----------
    data
        Cube or band with a dimension ``time``.
    period
        ``None`` for one image of the whole series; ``"month"``, ``"quarter"``, ``"season"``
        (beginning in December, March, June, September) or ``"year"`` for one of each, labelled by
        its first day; or a frequency of pandas (``"MS"``, ``"QS-DEC"``, ``"10D"``), labelled as
        xarray's ``resample`` does. Periods without an acquisition are left out.

    Returns
    -------
    xarray.Dataset or xarray.DataArray
        (y, x), or (time, y, x) with ``period``.

    Examples
    --------
    >>> times = np.array(["2024-01-03", "2024-01-13", "2024-02-02"], "datetime64[ns]")
    >>> band = xr.DataArray([1.0, 3.0, np.nan], {"time": times}, "time")
    >>> median(band).item(), median(band, period="month").values
    (2.0, array([ 2., nan]))
    """
    return _by_period(_measured(data), partial(_quantile, share=0.5), period, "median")


def mean(data: Data, *, period: str | None = None) -> Data:
    """Return the mean over time; see `median`."""
    return _composite(data, _mean, period, "mean")


def percentile(data: Data, percent: float, *, period: str | None = None) -> Data:
    """Return a percentile over time (0 to 100, linear between observations); see `median`.

    It is numpy's ``nanpercentile``, with its default method.

    Raises
    ------
    CubeError
        No percentile lies there, or there is no time.

    Examples
    --------
    >>> percentile(xr.DataArray([0.0, 1.0, 2.0], dims="time"), 25).item()
    0.5
    """
    if not 0 <= percent <= 100:
        raise CubeError(
            f"a percentile lies between 0 and 100, not at {percent}", hint="give 0..100"
        )
    share = percent / 100
    return _by_period(
        _measured(data), partial(_quantile, share=share), period, f"percentile {percent:g}"
    )


def count(data: Data, *, period: str | None = None) -> Data:
    """Return how many observations each pixel has (uint16); see `median`.

    Examples
    --------
    >>> count(xr.DataArray([0.5, np.nan, 0.7], dims="time")).item()
    2
    """
    result = _composite(data, _counted, period, "count")
    for band in _bands(result):
        band.attrs = {"long_name": "number of valid observations", "units": "1"}
    return result


def best_pixel(data: xr.Dataset, by: xr.DataArray, *, period: str | None = None) -> xr.Dataset:
    """Return, for each pixel, the bands of the one date that scores best.

    Unlike a median, the bands of a pixel then belong together. With NDVI as the score this is the
    maximum-NDVI composite, which prefers clear views of vegetation (Holben 1986, Characteristics of
    maximum-value composite images from temporal AVHRR data, Int. J. Remote Sensing 7(11)).

    Parameters
    ----------
    data
        Cube with a dimension ``time``.
    by
        Score (time, y, x), for example ``ops.ndvi(data)``. Of equal scores the earliest date wins.
    period
        See `median`.

    Returns
    -------
    xarray.Dataset
        The bands, and ``observed``: the date that was taken (NaT where there is none).
    """
    cube = _values(data)
    cube["observed"] = cube["time"].astype("datetime64[ns]")
    cube = cube.assign(_score=by.astype("float32").drop_attrs())
    return _by_period(cube, _best, period, "best pixel").drop_vars("_score", errors="ignore")


def _best(part: xr.Dataset) -> xr.Dataset:
    part = part.chunk(time=-1) if part.chunks else part
    score = part["_score"]

    def pick(band: xr.DataArray) -> xr.DataArray:
        result: xr.DataArray = xr.apply_ufunc(
            _take_best,
            band,
            score,
            input_core_dims=[["time"], ["time"]],
            dask="parallelized",
            output_dtypes=[band.dtype],
            keep_attrs=False,
        )
        result.attrs = dict(band.attrs)
        return result

    return each(part.drop_vars("_score"), pick).drop_vars("time")


def _take_best(
    values: npt.NDArray[np.generic], score: npt.NDArray[np.float32]
) -> npt.NDArray[np.generic]:
    """Take along the last axis the value whose score is highest."""
    where = np.argmax(np.where(np.isnan(score), -np.inf, score), axis=-1)[..., np.newaxis]
    values = np.broadcast_to(values, score.shape)
    taken = np.take_along_axis(values, where, axis=-1)[..., 0]
    none = (
        np.array("NaT", values.dtype)
        if values.dtype.kind == "M"
        else np.array(np.nan, values.dtype)
    )
    return np.where(np.isnan(score).all(axis=-1), none, taken)


def _quantile(part: Data, share: float) -> Data:
    reduced = each(part, partial(_quantile_of, share=share))
    return reduced.drop_vars([name for name in reduced.coords if "time" in reduced[name].dims])


def _quantile_of(band: xr.DataArray, share: float) -> xr.DataArray:
    """Return a quantile in physical values, calculated on what is stored."""
    band, shifts = _whole(band)
    wide = band.dtype.itemsize > (2 if band.dtype.kind in "iu" else 4)
    rule = Rule(share, "float64" if wide else "float32", band.attrs.get("nodata"), shifts)
    place = band.isel(time=0, drop=True)
    result = place.copy(data=_along_time(band.transpose("time", ...), rule))
    result.attrs = {name: value for name, value in band.attrs.items() if name != "nodata"}
    return to_physical(result)


def _along_time(band: xr.DataArray, rule: Rule) -> Any:
    """Reduce the first dimension of what is in memory now, or of a Dask array later."""
    if not band.chunks:
        return quantile(np.asarray(band.data), rule)
    import dask.array as da

    # the chunks along time come as a list: nothing is concatenated
    space = tuple(range(1, band.ndim))
    return da.blockwise(
        quantile, space, band.data, (0, *space), rule=rule,
        concatenate=False, dtype=rule.dtype, meta=np.empty((0,) * len(space), rule.dtype),
    )  # fmt: skip


def _whole(band: xr.DataArray) -> tuple[xr.DataArray, tuple[int, ...] | None]:
    """Return what to order, and what to add to the integers of each date where that differs.

    Where what differs is no whole number, values are made physical first.
    """
    offset = offsets(band)
    plain = band.drop_vars([name for name in band.coords if is_offset(name)]).copy(deep=False)
    plain.attrs = {name: value for name, value in band.attrs.items() if name != "offset"}
    if isinstance(offset, float):
        plain.attrs |= {"offset": offset} if offset else {}
        return plain, None
    steps = [shift(band.attrs.get("scale", 1), item) for item in offset.values]
    if band.dtype.kind not in "iu" or not all(step.is_integer() for step in steps):
        return to_physical(band), None
    return plain, tuple(int(step) for step in steps)


def _mean(part: Data) -> Data:
    count = part.notnull().sum("time")
    return part.sum("time", skipna=True) / count.astype("float32").where(count > 0)


def _counted(part: Data) -> Data:
    return part.notnull().sum("time").astype("uint16")


def _composite(data: Data, reduce: Callable[[Data], Data], period: str | None, name: str) -> Data:
    return _by_period(_values(data), reduce, period, name)


def _values(data: Data) -> Data:
    """Return physical values without quality masks; refuse what has no time."""
    return to_physical(_measured(data))


def _measured(data: Data) -> Data:
    """Return what is stored, without quality masks; refuse what has no time."""
    if "time" not in data.dims:
        raise CubeError("there is no dimension time", hint="give a cube of several dates")
    data = understood(data)
    refuse_nameless(data)
    kept = data.drop_vars([band.name for band in _bands(data) if is_mask(band)])
    if isinstance(kept, xr.Dataset):  # heights, or the CRS of a file, are the same for all dates
        return kept.set_coords([item for item in kept.data_vars if "time" not in kept[item].dims])
    return kept


def _by_period(data: Data, reduce: Callable[[Data], Data], period: str | None, name: str) -> Data:
    if period is None:
        return _described(reduce(data), data, f"time: {name}")
    labels = _labels(data["time"].values, period)
    firsts = np.unique(labels)
    steps = [reduce(data.isel(time=np.flatnonzero(labels == first))) for first in firsts]
    along = xr.DataArray(firsts, dims="time", name="time")
    joined = xr.concat(steps, along, coords="minimal", compat="override")
    label = f"first day of the {period}" if period in PERIODS else f"period of {period}"
    joined["time"].attrs = {**data["time"].attrs, "long_name": label}
    return _described(joined, data, f"time: {name} within {period}")


def _labels(times: npt.NDArray[np.datetime64], period: str) -> npt.NDArray[np.datetime64]:
    """Return the first day of the period that each time lies in, or pandas' label of it."""
    if period not in PERIODS:
        return _resampled(times, period)
    length, before = PERIODS[period]
    months = times.astype("datetime64[M]").astype("int64")
    first = (months + before) // length * length - before
    return first.astype("datetime64[M]").astype("datetime64[ns]")


def _resampled(times: npt.NDArray[np.datetime64], period: str) -> npt.NDArray[np.datetime64]:
    """Return the label that pandas gives each time when it resamples."""
    import pandas as pd

    places = pd.Series(np.arange(len(times)), index=pd.DatetimeIndex(times))
    labels = np.empty(len(times), "datetime64[ns]")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # of names that it takes for others
            for label, members in places.resample(period):
                labels[members.to_numpy()] = np.datetime64(label)
    except (FutureWarning, TypeError, ValueError) as error:
        hint = near(str(period), PERIODS) or (
            f'use one of {", ".join(PERIODS)}, or a frequency of pandas such as "MS", "QS" or "10D"'
        )
        raise CubeError(f"unknown period {period!r}", hint=hint) from error
    return labels


def _described(result: Data, data: Data, method: str) -> Data:
    """Keep attributes and grid mapping; tell the method as CF does."""
    result.attrs = dict(data.attrs)
    sources = {band.name: band for band in _bands(data)}
    for band in _bands(result):
        source = sources[band.name]
        band.attrs = {**physical_attrs(source.attrs), "cell_methods": method}
        band.encoding = {k: v for k, v in source.encoding.items() if k == "grid_mapping"}
    return result


def _bands(data: xr.Dataset | xr.DataArray) -> list[xr.DataArray]:
    return list(data.data_vars.values()) if isinstance(data, xr.Dataset) else [data]

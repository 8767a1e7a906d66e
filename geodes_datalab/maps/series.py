"""What is looked at: pictures of one place, one for each date, of one band or of three."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from geodes_datalab._display import some
from geodes_datalab._language import shown
from geodes_datalab._optional import need
from geodes_datalab.errors import ConfigurationError, CubeError, UnknownBand

_STEPS = {"time", "date", "month", "year", "season", "quarter", "dayofyear", "week"}
"""Names of dimensions that are times and no colours, also where they are three long."""


@dataclass(frozen=True)
class Series:
    """One array with a place: steps along one dimension, or a single one; one band, or three."""

    array: Any
    """`xarray.DataArray` with dims ([step], [band], y, x)."""
    along: Hashable | None
    """The dimension of the steps."""
    labels: tuple[str, ...]
    """What each step is, for people; ``""`` of a single one that has no date."""
    title: str
    dims: tuple[str, str]
    """Names of y and x."""
    pairs: tuple[tuple[float, float], ...] | None = None
    """Values that are dark and bright, one pair for each band, where they are known."""
    each: bool = False
    """Whether the bands are quantities of their own, which are stretched each by itself."""

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self.labels)

    @property
    def is_rgb(self) -> bool:
        """Whether there are three bands, for red, green and blue."""
        return bool(self.array.ndim - (self.along is not None) == 3)

    def step(self, number: int) -> Any:
        """Return one step, with dims ([band], y, x)."""
        return self.array if self.along is None else self.array.isel({self.along: number})


def series_of(data: Any, rgb: Sequence[str] | None = None) -> Series:
    """Read what shall be looked at.

    Parameters
    ----------
    data
        Cube or band: an `xarray.Dataset` with red, green and blue (or the bands ``rgb``) or with one
        measurement, or an array with dims (y, x), one dimension of steps, and three bands.
    rgb
        Bands of a cube to show as red, green and blue.

    Raises
    ------
    CubeError
        No cube, no CRS, other dimensions, or no telling which variables are meant.
    """
    xarray = need("xarray", extra="cubes")
    need("odc.geo.xr", extra="cubes")
    if isinstance(data, xarray.Dataset):
        chosen = _one_measurement(data) if rgb is None else None
        return _single(chosen) if chosen is not None else _composite(data, rgb)
    if not isinstance(data, xarray.DataArray):
        raise CubeError(
            f"a {type(data).__name__} is no cube",
            hint="give what load() or a calculation on it returned, or items of a search",
        )
    if rgb is not None:
        raise ConfigurationError(
            "rgb= picks bands of a cube, and this is one array",
            hint="give the cube, or leave rgb= out",
        )
    return _single(data)


def _single(array: Any) -> Series:
    flat, dims = _flat(array)
    others = [d for d in flat.dims if d not in dims]
    bands = [d for d in others if flat.sizes[d] == 3 and not _is_step(flat, d)][-1:]
    steps = [d for d in others if d not in bands]
    if len(steps) > 1:
        sizes = {str(d): flat.sizes[d] for d in others}
        raise CubeError(
            f"one dimension of dates, and three bands, can be shown, not {sizes}",
            hint=f"pick one: .isel({', '.join(f'{d}=0' for d in sizes)})",
        )
    along = steps[0] if steps else None
    labels = labels_of(flat[along]) if along is not None else (_own_date(array),)
    ordered = flat.transpose(*steps, *bands, *dims)
    return Series(ordered, along, labels, title_of(array), dims)


def _composite(data: Any, rgb: Sequence[str] | None) -> Series:
    from geodes_datalab.ops import colours
    from geodes_datalab.ops.selecting import band

    names = colours.RED_GREEN_BLUE if rgb is None else rgb
    try:
        bands = colours.stacked(data, names)
    except UnknownBand as error:
        if rgb is not None:
            raise
        there = [str(name) for name in data.data_vars]
        raise CubeError(
            f"the cube has {some(there, 12)}, and not red, green and blue: which is meant?",
            hint=f'pick one: cube["{there[0]}"], or three: rgb=("nir", "red", "green")'
            if there
            else "load some bands",
        ) from error
    flat, dims = _flat(bands)
    steps = [d for d in flat.dims if d not in (*dims, "band")]
    if len(steps) > 1:
        raise CubeError(
            f"one dimension of dates can be shown, not {', '.join(map(str, steps))}",
            hint=f"pick one: .isel({steps[0]}=0)",
        )
    along = steps[0] if steps else None
    labels = labels_of(flat[along]) if along is not None else (_own_date(bands),)
    pairs = [colours.usual_limits(band(data, name)) for name in names]
    known = tuple(pair for pair in pairs if pair is not None)
    ordered = flat.transpose(*steps, "band", *dims)
    return Series(ordered, along, labels, title_of(bands), dims, known if len(known) == 3 else None, each=True)  # fmt: skip


def _one_measurement(data: Any) -> Any | None:
    """Return the only variable, or the only one that is no quality mask."""
    from geodes_datalab.ops.packing import is_mask, is_place

    every = [band for band in data.data_vars.values() if not is_place(band)]
    measured = [band for band in every if not is_mask(band)]
    for bands in (every, measured):
        if len(bands) == 1:
            return bands[0]
    return None


def _flat(array: Any) -> tuple[Any, tuple[str, str]]:
    """Drop dims of length one, and return the names of y and x."""
    dims = array.odc.spatial_dims
    if dims is None:
        raise CubeError(f"no spatial dims among {list(array.dims)}", hint="name them y and x")
    if array.odc.crs is None or array.odc.geobox is None:
        raise CubeError(
            "the array has no CRS, or no regular grid",
            hint='say which: array.odc.assign_crs("EPSG:32631")',
        )
    for dim in array.dims:
        if not array.sizes[dim]:
            raise CubeError(
                f"there is nothing along {dim}", hint="look at what was selected before"
            )
    ones = [d for d in array.dims if d not in dims and array.sizes[d] == 1]
    return array.squeeze(ones, drop=True), dims


def _is_step(array: Any, dim: Hashable) -> bool:
    return str(dim) in _STEPS or (dim in array.coords and array[dim].dtype.kind == "M")


def _own_date(array: Any) -> str:
    """Return the date of what has but one."""
    return labels_of(array["time"])[0] if "time" in array.coords and array["time"].size == 1 else ""


def labels_of(coord: Any) -> tuple[str, ...]:
    """Return how each step is written: dates in as few words as tell them apart."""
    import numpy as np

    values = np.atleast_1d(coord.values)
    if values.dtype.kind != "M":
        return tuple(f"{coord.name} {value}" for value in values.tolist())
    for unit, sign in (("D", ""), ("m", " "), ("s", " "), ("ms", " ")):
        texts = [
            str(text).replace("T", sign)
            for text in values.astype(f"datetime64[{unit}]").astype(str)
        ]
        if len(set(texts)) == len(texts):
            break
    return tuple(texts)


def title_of(array: Any) -> str:
    """Return an array's long_name or name, in the language of whoever reads it, with its units.

    Examples
    --------
    >>> import xarray
    >>> title_of(xarray.DataArray(0.5, attrs={"long_name": "height", "units": "m"}))
    'height (m)'
    """
    named = "value" if array.name is None else array.name
    name = shown(str(array.attrs.get("long_name", named)))
    units = str(array.attrs.get("units") or "")
    return f"{name} ({units})" if units not in ("", "1") else name

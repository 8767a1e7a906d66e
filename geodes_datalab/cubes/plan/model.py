"""What will be read onto which pixels: the plan that both engines carry out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby as runs
from operator import itemgetter
from typing import Any, Literal, NamedTuple, TypeAlias

from odc.geo.geobox import GeoBox

from geodes_datalab.cubes.read.pixels import Source
from geodes_datalab.errors import CubeError

GroupBy: TypeAlias = Literal["solar_day", "time", "id"]
"""What makes one time step: a day at the place's longitude, an instant, or a product."""


@dataclass(frozen=True)
class Layer:
    """One variable of the cube."""

    name: str
    """As the user wrote it."""
    native: str
    """Name in the product."""
    dtype: str
    """Of the stored numbers."""
    fill: float
    """Value of pixels that no product has."""
    resampling: str
    """GDAL's name of the method."""


class Product(NamedTuple):
    """One item, reduced to what loading needs."""

    id: str
    title: str
    start: datetime
    """Acquisition start, UTC without time zone."""
    grid: GeoBox
    """Native grid of the finest band asked for."""
    sources: Mapping[str, Source]
    """By `Layer.name`; a product may lack a band."""


@dataclass(frozen=True)
class Plan:
    """What will be read onto which pixels."""

    layers: tuple[Layer, ...]
    products: tuple[Product, ...]
    geobox: GeoBox
    groups: tuple[tuple[int, ...], ...]
    """Indices into ``products``: one tuple for each time step, in the order of preference."""

    @property
    def times(self) -> list[datetime]:
        """Start of the first acquisition of each time step."""
        return [self.products[group[0]].start for group in self.groups]


def group(
    starts: Sequence[datetime],
    ids: Sequence[str],
    how: GroupBy,
    longitude: float,
) -> tuple[tuple[int, ...], ...]:
    """Sort products into time steps.

    Parameters
    ----------
    starts
        Acquisition start of each product.
    ids
        Identifier of each product, which settles ties.
    how
        ``"solar_day"``, ``"time"`` or ``"id"``.
    longitude
        Degrees, of the middle of the cube: decides which day it is there (for solar days only).

    Returns
    -------
    tuple of tuple of int
        In order of time. Within a step the earlier product comes first, and wins where two overlap.

    Examples
    --------
    >>> days = [datetime(2024, 1, 1, 10), datetime(2024, 1, 2, 10), datetime(2024, 1, 1, 11)]
    >>> group(days, ["a", "b", "c"], "solar_day", 2.0)
    ((0, 2), (1,))
    """
    keys: list[Any]
    if how == "solar_day":
        keys = [_solar_day(start, longitude) for start in starts]
    elif how == "time":
        keys = list(starts)
    elif how == "id":
        keys = list(zip(starts, ids, strict=True))
    else:
        raise CubeError(f"unknown groupby: {how!r}", hint='use "solar_day", "time" or "id"')
    order = sorted(zip(keys, starts, ids, range(len(keys)), strict=True))
    return tuple(tuple(item[-1] for item in step) for _, step in runs(order, key=itemgetter(0)))


def _solar_day(start: datetime, longitude: float) -> date:
    """Return the day by the sun (whole hours of 15 degrees, as odc-stac counts)."""
    return (start + timedelta(hours=int(longitude / 15))).date()

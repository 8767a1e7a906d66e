"""Cubes of products that several catalogues describe: each is read as its own items say, and all lie on one grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import xarray as xr

import geodes_datalab
from geodes_datalab._display import some
from geodes_datalab._inputs.areas import area
from geodes_datalab._types import Json
from geodes_datalab.cubes.formats import gridded
from geodes_datalab.cubes.formats.asked import Asked, Opened
from geodes_datalab.cubes.formats.cube import slices, stacked
from geodes_datalab.cubes.plan import arguments
from geodes_datalab.errors import CubeError, InvalidInput
from geodes_datalab.stac.federation.merge import SHARED, SOURCE


def parts(items: Sequence[Json]) -> dict[str, list[Json]]:
    """Return the items of each catalogue and collection; nothing where there is but one.

    Items that `geodes_datalab.search` found with ``sources=`` say whose they are.

    Examples
    --------
    >>> found = [{"properties": {SOURCE: one}, "collection": "s2"} for one in ("cdse", "theia", "cdse")]
    >>> {key: len(some) for key, some in parts(found).items()}
    {'cdse:s2': 2, 'theia:s2': 1}
    """
    result: dict[str, list[Json]] = {}
    for item in items:
        source = (item.get("properties") or {}).get(SOURCE)
        if source is None:
            return {}
        result.setdefault(f"{source}:{item.get('collection')}", []).append(item)
    return result if len(result) > 1 else {}


def made(
    load: Callable[..., xr.Dataset], found: Mapping[str, list[Json]], given: Mapping[str, Any]
) -> xr.Dataset:
    """Load each catalogue's items by themselves, in physical values, and put them onto one grid.

    Parameters
    ----------
    load
        Loads the items of one collection.
    found
        See `parts`, the preferred catalogue first.
    given
        Arguments of `load`, by name, ``items`` left out of account.

    Returns
    -------
    xarray.Dataset
        As `geodes_datalab.load` returns it. Within a time step the earlier acquisition wins.

    Raises
    ------
    InvalidInput
        Stored numbers are asked for.
    CubeError
        The items are of several kinds, or their bands or units differ.
    """
    shared = _shared(found)
    if given["raw"]:
        raise InvalidInput(
            f"{', '.join(found)} store their numbers each in its own way",
            "leave raw=True out: physical values can be put together",
        )
    own = {name: value for name, value in given.items() if name not in ("items", "threads")}
    cubes = {key: load(items, **own) for key, items in found.items()}
    _refuse_unlike(cubes)
    asked = Asked(
        area=area(given["bbox"], given["geometry"]), crs=given["crs"], groupby=given["groupby"],
        resolution=arguments.resolution(given["resolution"]),
        resampling=arguments.resampling(given["resampling"]),
    )  # fmt: skip
    opened = [Opened(key, pd.Timestamp(0).to_pydatetime(), one) for key, one in cubes.items()]
    placed, geobox = gridded.placed(opened, asked)
    steps = [step for key, one in zip(cubes, placed, strict=True) for step in slices(one, key)]
    cube = stacked(steps, geobox, asked.groupby, "grid").assign_attrs(_about(shared, cubes))
    sizes = {name: cube.sizes[name] for name in arguments.CHUNKS}
    cube = cube.chunk(arguments.chunk_sizes(given["chunks"], sizes, arguments.CHUNKS))
    threads = given["threads"]
    return cube.compute(num_workers=threads) if threads else cube


def _shared(found: Mapping[str, Sequence[Json]]) -> str:
    """Return the name that all catalogues have for what is loaded."""
    names = {key: str(items[0]["properties"].get(SHARED)) for key, items in found.items()}
    if len(set(names.values())) > 1:
        raise CubeError(
            f"the items are of {len(set(names.values()))} kinds: {', '.join(sorted(set(names.values())))}",
            hint="load one kind at a time, and join the cubes with xarray.merge or xarray.concat",
        )
    return next(iter(names.values()))


def _refuse_unlike(cubes: Mapping[str, xr.Dataset]) -> None:
    """Refuse bands that one catalogue has and another has not, and numbers of different meaning."""
    told = {
        key: {str(name): str(band.attrs.get("units", "")) for name, band in cube.data_vars.items()}
        for key, cube in cubes.items()
    }
    (first, wanted), *others = told.items()
    for key, found in others:
        if found.keys() != wanted.keys():
            raise CubeError(
                f"{first} has the bands {some(list(wanted), 6)}, {key} has {some(list(found), 6)}",
                hint='name bands that all have, by their common names: ["red", "nir"]',
            )
        if wrong := [name for name, units in found.items() if units != wanted[name]]:
            name = wrong[0]
            raise CubeError(
                f'{name} is in "{wanted[name]}" in {first}, and in "{found[name]}" in {key}',
                hint="search the catalogue alone whose numbers are right, with sources=[...]",
            )


def _about(shared: str, cubes: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    days = sorted(str(day)[:10] for cube in cubes.values() for day in cube["time"].values)
    now = pd.Timestamp.now("UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "Conventions": "CF-1.11",
        "title": f"{shared}, {days[0]} to {days[-1]}",
        "source": "; ".join(
            f"{key}: {cube.attrs.get('source', '')}" for key, cube in cubes.items()
        ),
        "history": f"{now} geodes_datalab.load {geodes_datalab.__version__}",
    }

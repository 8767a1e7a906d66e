"""Files of which no catalogue tells how many bands they have: their headers do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from geodes_datalab import stac
from geodes_datalab.cubes.plain import placed
from geodes_datalab.cubes.products import Parsed
from geodes_datalab.cubes.reading import Source, read_header

T = TypeVar("T")

Sources = Mapping[str, Source]


def several(parsed: list[Parsed], sources: list[Sources]) -> tuple[list[Parsed], list[Sources]]:
    """Put all bands of a file in the place of its name, where nobody told that there is but one.

    The first file of each such name is looked at: the others are of the same kind. Where the catalogue
    tells the type of the pixels there is nothing to look for; reading refuses what has several bands.

    Returns
    -------
    parsed, sources
        As given, where each file has one band.
    """
    counts = {
        name: read_header(first).count
        for name, band in parsed[0].bands.items()
        if not (band.index or band.dtype) and (first := _first(name, sources)) is not None
    }
    many = {name: count for name, count in counts.items() if count > 1}
    if not many:
        return parsed, sources
    bands = {id(one.bands): one.bands for one in parsed}  # those of a kind share theirs
    grids = {id(one.grids): one.grids for one in parsed}
    told = {id(one.told): one.told for one in parsed}
    spread = {key: _spread(one, many) for key, one in bands.items()}
    alike = {key: _alike(one, many) for key, one in grids.items()}
    each = {key: _alike(one, many) for key, one in told.items()}
    full = [
        one._replace(
            bands=spread[id(one.bands)], grids=alike[id(one.grids)], told=each[id(one.told)]
        )
        for one in parsed
    ]
    return full, [_located(found, many) for found in sources]


def _first(name: str, sources: Sequence[Sources]) -> Source | None:
    files = (found[name] for found in sources if name in found)
    return next((file for file in files if file.care != "lost"), None)


def _names(name: str, many: Mapping[str, int]) -> list[str]:
    return [f"{name}.{index}" for index in range(1, many[name] + 1)] if name in many else [name]


def _spread(bands: Mapping[str, stac.Band], many: Mapping[str, int]) -> dict[str, stac.Band]:
    found = {}
    for name, band in bands.items():
        for index, own in enumerate(_names(name, many), start=1):
            found[own] = placed(band, index) if name in many else band
    return found


def _alike(told: Mapping[str, T], many: Mapping[str, int]) -> dict[str, T]:
    """Take for each band of a file what is told of the file."""
    return {own: one for name, one in told.items() for own in _names(name, many)}


def _located(found: Sources, many: Mapping[str, int]) -> dict[str, Source]:
    return {
        own: source._replace(number=index if name in many else source.number)
        for name, source in found.items()
        for index, own in enumerate(_names(name, many), start=1)
    }

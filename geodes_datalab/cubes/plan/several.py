"""Files of which no catalogue tells how many bands they have: their headers do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from geodes_datalab import _http, stac
from geodes_datalab.cubes.parse.plain import placed
from geodes_datalab.cubes.parse.products import Parsed
from geodes_datalab.cubes.read.pixels import Source, read_header
from geodes_datalab.errors import GeodesError

T = TypeVar("T")

Sources = Mapping[str, Source]


def several(
    parsed: list[Parsed], sources: list[Sources], client: _http.Client
) -> tuple[list[Parsed], list[Sources]]:
    """Put all bands of a file in the place of its name, where nobody told that there is but one.

    The first file of each such name is looked at; where it has several bands, so are the others, which
    may have fewer or more. Where the catalogue tells the type of the pixels there is nothing to look for;
    reading refuses what has several bands.

    Returns
    -------
    parsed, sources
        As given, where each file has one band.
    """
    names = [name for name, band in parsed[0].bands.items() if not (band.index or band.dtype)]
    first = {name: there[0] for name in names if (there := _there(name, sources))}
    counts = {name: read_header(file).count for name, file in first.items()}
    each = {
        name: _counts(_there(name, sources), client) for name, count in counts.items() if count > 1
    }
    if not each:
        return parsed, sources
    many = {name: max(result.values()) for name, result in each.items()}
    bands = {id(item.bands): item.bands for item in parsed}  # those of a kind share theirs
    grids = {id(item.grids): item.grids for item in parsed}
    told = {id(item.told): item.told for item in parsed}
    spread = {key: _spread(item, many) for key, item in bands.items()}
    alike = {key: _alike(item, many) for key, item in grids.items()}
    words = {key: _alike(item, many) for key, item in told.items()}
    full = [
        item._replace(
            bands=spread[id(item.bands)], grids=alike[id(item.grids)], told=words[id(item.told)]
        )
        for item in parsed
    ]
    return full, [_located(result, many, each) for result in sources]


def _there(name: str, sources: Sequence[Sources]) -> list[Source]:
    return [result[name] for result in sources if name in result and result[name].care != "lost"]


def _counts(files: Sequence[Source], client: _http.Client) -> dict[Source, int]:
    """Count the bands of each file; of one that cannot be read, reading tells."""

    def bands(file: Source) -> int:
        try:
            return read_header(file).count
        except GeodesError:
            return 0

    return dict(zip(files, client.map(bands, files), strict=True))


def _names(name: str, many: Mapping[str, int]) -> list[str]:
    return [f"{name}.{index}" for index in range(1, many[name] + 1)] if name in many else [name]


def _spread(bands: Mapping[str, stac.Band], many: Mapping[str, int]) -> dict[str, stac.Band]:
    result = {}
    for name, band in bands.items():
        for index, own in enumerate(_names(name, many), start=1):
            result[own] = placed(band, index) if name in many else band
    return result


def _alike(told: Mapping[str, T], many: Mapping[str, int]) -> dict[str, T]:
    """Take for each band of a file what is told of the file."""
    return {own: item for name, item in told.items() for own in _names(name, many)}


def _located(
    found: Sources, many: Mapping[str, int], each: Mapping[str, Mapping[Source, int]]
) -> dict[str, Source]:
    """Return the files of a product, those of several bands by each band that they have."""
    return {
        own: source._replace(number=index if name in many else source.number)
        for name, source in found.items()
        for index, own in enumerate(_names(name, many), start=1)
        if name not in many or index <= (each[name].get(source) or many[name])
    }

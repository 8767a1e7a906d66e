"""Which files can be read, found out before the cube is made: those that cannot are left out and named.

Only their headers are read. What is damaged further inside is found when its pixels are wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from geodes_datalab.cubes import skipping
from geodes_datalab.cubes.parse.products import Parsed
from geodes_datalab.cubes.read.pixels import Source, read_header

Sources = Mapping[str, Source]


def readable(one: Parsed, find: Callable[[Parsed], Sources]) -> Sources:
    """Return the files of a product by band; those that cannot be read are marked, and told.

    Parameters
    ----------
    one
        The product.
    find
        Finds its files.
    """
    try:
        result = find(one)
    except skipping.SKIPPED as error:
        skipping.tell(skipping.Loss(one.title, error))
        return {
            name: Source(one.title, band.name, "", care="lost") for name, band in one.bands.items()
        }
    return {name: _tried(source) for name, source in result.items()}


def _tried(source: Source) -> Source:
    try:
        read_header(source)
    except skipping.SKIPPED as error:
        skipping.tell(skipping.Loss(f"band {source.band} of {source.title}", error))
        return source._replace(care="lost")
    return source._replace(care="skip")


def placed(
    parsed: Sequence[Parsed], sources: Sequence[Sources]
) -> tuple[list[Parsed], list[Sources]]:
    """Leave out products none of whose files can be read, where nothing else tells their place.

    The others keep their time step, and their pixels are missing: the cube's shape is the same whatever
    can be read.

    Raises
    ------
    GeodesError
        No file of a band can be read.
    """
    skipping.refuse_nothing(sources)
    pairs = [
        (item, result)
        for item, result in zip(parsed, sources, strict=True)
        if not result
        or any(file.care != "lost" or name in item.grids for name, file in result.items())
    ]
    return [item for item, _ in pairs], [result for _, result in pairs]

"""Products that were processed again: the newest version of each acquisition is loaded, and that is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias, get_args

from geodes_datalab._display import some
from geodes_datalab._types import Json
from geodes_datalab.cubes import notice
from geodes_datalab.cubes.parse.products import title_of
from geodes_datalab.errors import OlderVersions
from geodes_datalab.stac.items.versions import superseded, version

Versions: TypeAlias = Literal["newest", "all"]
"""Which versions of an acquisition are loaded."""

VERSIONS: Mapping[str, str] = {one: one for one in get_args(Versions)}


class Chosen(NamedTuple):
    """What is loaded of some items."""

    items: list[Json]
    """Their dictionaries."""
    left_out: list[str]
    """Names of older versions of them, which are not."""


def without_older(items: Sequence[Json], versions: str, *, each: bool = False) -> Chosen:
    """Leave out older versions of products that are there in a newer one, and warn of it.

    Parameters
    ----------
    items
        Item dictionaries.
    versions
        See `Versions`.
    each
        Whether each product is a time step by itself, so that none hides another.
    """
    older = {} if versions == "all" or each else superseded(items)
    if not older:
        return Chosen(list(items), [])
    pairs = [
        f"{title_of(items[one])} ({version(items[one])}, newest {version(items[new])})"
        for one, new in older.items()
    ]
    notice.warn(
        f"{len(older)} of {len(items)} products are older versions of others, and are left out: "
        f'{some(pairs)}. versions="all" keeps them',
        OlderVersions,
    )
    kept = [one for place, one in enumerate(items) if place not in older]
    return Chosen(kept, [title_of(items[one]) for one in older])

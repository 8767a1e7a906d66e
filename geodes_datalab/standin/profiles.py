"""What the stand-in does differently from one API generation to the next."""

from __future__ import annotations

from dataclasses import dataclass

from geodes_datalab.errors import ConfigurationError


@dataclass(frozen=True)
class Profile:
    """One way in which GEODES answers; each field names a behaviour that clients notice."""

    name: str
    """``legacy``, ``fixed`` or ``nextgen``."""
    modern: bool = False
    """STAC 1.1 items, kebab-case collections, stable asset keys, standard paging."""
    collections_are_anded: bool = False
    """Two ids in ``collections`` find nothing, since no item has two."""
    only_polygons: bool = False
    """An ``intersects`` that is no (Multi)Polygon is silently ignored."""
    datetime_is_publication: bool = False
    """``datetime`` is when the product was published, in items and in searches."""
    ignores_unknown: bool = False
    """Unknown attributes and values of the wrong type widen the search instead of failing."""
    next_link_is_wrong: bool = False
    """``next`` of a GET asks for one item more per page than ``self``."""
    order_is_unstable: bool = False
    """Without a sort order, pages overlap: one item comes twice and another not at all."""
    default_limit: int = 10
    """Items per page when none is asked for."""


LEGACY = Profile(
    name="legacy",
    collections_are_anded=True,
    only_polygons=True,
    datetime_is_publication=True,
    ignores_unknown=True,
    next_link_is_wrong=True,
    order_is_unstable=True,
)
"""Today's API with its traps."""

FIXED = Profile(name="fixed")
"""Today's wire format as a standard client would wish it to behave."""

NEXTGEN = Profile(name="nextgen", modern=True)
"""The announced rebuild, after the item model of the SPOT extension's examples."""

PROFILES = {profile.name: profile for profile in (LEGACY, FIXED, NEXTGEN)}


def find(profile: str | Profile) -> Profile:
    """Return a profile by name.

    Raises
    ------
    ConfigurationError
        When no profile bears that name.
    """
    if isinstance(profile, Profile):
        return profile
    if profile not in PROFILES:
        raise ConfigurationError(
            f"the stand-in has no profile {profile!r}", hint=f"choose one of {', '.join(PROFILES)}"
        )
    return PROFILES[profile]

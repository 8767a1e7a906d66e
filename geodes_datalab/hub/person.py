"""Who asks: one rule for what is offered to whom, in the hub and in Dask Gateway."""

from __future__ import annotations

from dataclasses import dataclass

from geodes_datalab.hub.schema import Audience, OtherImage


@dataclass(frozen=True)
class Person:
    """Who asks for a server or a cluster."""

    groups: frozenset[str]
    """Groups of the hub."""
    admin: bool
    """Whether the person administrates the hub."""

    def sees(self, thing: Audience | OtherImage) -> bool:
        """Tell whether something is offered to this person; administrators see everything."""
        if self.admin:
            return True
        if isinstance(thing, Audience) and thing.admins_only:
            return False
        return not thing.groups or bool(self.groups & set(thing.groups))

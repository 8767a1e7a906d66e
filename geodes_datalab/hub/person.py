"""Who asks: one rule for what is offered to whom, in the hub and in Dask Gateway."""

from __future__ import annotations

from dataclasses import dataclass

from geodes_datalab.settings import Audience, OtherImage


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


SERVICE = "service:"
"""What Dask Gateway puts before the names of the hub's services."""

USER = "user:"
"""What it puts before names of people that look like one of those, as ``github:ada``."""


def in_gateway(name: str) -> str:
    """Return a user's name as Dask Gateway has it.

    Examples
    --------
    >>> in_gateway("ada"), in_gateway("github:ada")
    ('ada', 'user:github:ada')
    """
    return f"{USER}{name}" if ":" in name else name


def in_hub(owner: str) -> str:
    """Return the hub's name of a cluster's owner; nothing for a service.

    Examples
    --------
    >>> in_hub("user:github:ada"), in_hub("service:check")
    ('github:ada', '')
    """
    return "" if owner.startswith(SERVICE) else owner.removeprefix(USER)

"""The tiers: what `make` is asked for, in which order, and for how long at most."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tier:
    """One verb of the Makefile."""

    verb: str
    minutes: float
    """It is stopped after so many."""
    again: bool = False
    """A file of tests that failed is run once more, alone (``make VERB FILES=...``): whole hubs, clusters
    and browsers run here, on a machine that others use too."""
    tests: bool = True
    """Whether it runs tests: then one must have passed, for a tier that skips them all proves nothing."""


TIERS = (
    Tier("test", 20),
    Tier("lint", 12, tests=False),
    Tier("docs", 4, tests=False),
    Tier("test-browser", 12, again=True),
    Tier("test-system", 12, again=True),
    Tier("test-slurm", 20, again=True),
    Tier("test-images", 60, again=True),  # builds them too: half an hour where nothing is cached
    Tier("test-cluster", 50, again=True),  # and its programs: 20 minutes
    Tier("test-311", 15, again=True),
    Tier("size", 5, tests=False),
    Tier("bench", 20),
)
"""The first is the README's `make test`: it comes before any package is installed for the others."""

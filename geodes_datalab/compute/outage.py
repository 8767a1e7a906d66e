"""A gateway that does not answer for a while, as when it is restarted, costs nobody a place in a queue."""

from __future__ import annotations

import time
from dataclasses import dataclass

from geodes_datalab.errors import GatewayAway

LONGEST = 300.0
"""Seconds for which it is borne."""


@dataclass
class Outage:
    """Knows since when a gateway has not answered."""

    since: float | None = None
    """By `time.monotonic`; None while it answers."""

    def over(self) -> None:
        """Take note of an answer."""
        self.since = None

    def bear(self, error: GatewayAway) -> str:
        """Return what to tell who waits.

        Parameters
        ----------
        error
            What came in place of an answer.

        Raises
        ------
        GatewayAway
            The same error, when it lasts for too long.
        """
        now = time.monotonic()
        if self.since is None:
            self.since = now
        if now - self.since > LONGEST:
            raise error
        return "the gateway does not answer just now"

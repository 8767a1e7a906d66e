"""One line for everything that an administrator was shown of somebody's home, or was refused.

A line of JSON on standard output, which is the log of the pod: whoever keeps logs keeps it. It is written
before anything is shown; where it cannot be written, nothing is shown.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

EVENT = "home-view"
"""Value of ``event`` in every line: what to search a log for."""


@dataclass(frozen=True)
class Audit:
    """Where the lines go."""

    stream: TextIO | None = None
    """None: standard output, as it is when a line is written."""

    def note(
        self,
        *,
        person: str,
        action: str,
        outcome: str,
        address: str,
        home: str = "",
        path: str = "",
    ) -> None:
        """Write a line.

        Parameters
        ----------
        person
            The administrator's name; empty: nobody has logged in.
        action
            ``enter`` (by somebody who may not), ``homes`` (the list of them), ``list`` (a folder) or
            ``read`` (a file).
        outcome
            ``shown``, ``refused`` or ``absent``.
        address
            Where the request came from.
        home
            Whose home.
        path
            What of it.

        Raises
        ------
        OSError
            It cannot be written.
        """
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "event": EVENT,
            "admin": person,
            "action": action,
            "home": home,
            "path": path,
            "outcome": outcome,
            "address": address,
        }
        # ASCII alone: a name with a line break, or one that is no text, stays one line.
        stream = self.stream or sys.stdout
        stream.write(json.dumps(line) + "\n")
        stream.flush()

"""Keep one line out of the hub's log that would stand there at every start of a server."""

from __future__ import annotations

import logging


class Calm(logging.Filter):
    """Drop JupyterHub's warning about "slow" starts: on Kubernetes every start is slow to it.

    Its clock is set to half a second here, so that a refused choice is answered at once.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line is shown."""
        return not str(record.msg).startswith("User %s is slow to ")

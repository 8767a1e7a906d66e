"""The last one out: ends everything of a state folder if the supervisor is killed.

Started by the supervisor with a pipe as standard input. An end of the pipe without a farewell means
that the supervisor died without cleaning up::

    python -m geodes_datalab.local.guard /path/of/state
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

FAREWELL = b"done"
"""What a supervisor that cleaned up writes before it closes the pipe."""


def main(root: str) -> None:
    """Wait for the supervisor's end, and clean up if it did not."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if sys.stdin.buffer.read().endswith(FAREWELL):
        return
    from geodes_datalab.local import family

    family.end(root, grace=5.0)
    Path(root, "runtime.json").unlink(missing_ok=True)


if __name__ == "__main__":
    os.umask(0o077)
    main(sys.argv[1])

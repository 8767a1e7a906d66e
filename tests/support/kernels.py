"""Code in a process of its own, as a kernel of a user's server runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence

from support.waiting import minutes


def run(
    code: str, *arguments: str, preload: Sequence[str] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run code, and return what it printed, whatever its exit code.

    Parameters
    ----------
    code
        Python's.
    arguments
        Its ``sys.argv`` from 1 on.
    preload
        Modules that Dask's clients preload there.
    environment
        Variables, beside those of this process.
    """
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={
            **os.environ,
            "DASK_DISTRIBUTED__CLIENT__PRELOAD": json.dumps(list(preload)),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=minutes(5),
        check=False,
    )

"""Run every tier, print a summary, and fail unless all of them were run and passed."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from gate import packages, processes
from gate.course import Course
from gate.tiers import TIERS

BUDGET = float(os.environ.get("CI_MINUTES", "85")) * 60


def main() -> int:
    """Return the exit code: 0 when every tier was run and passed."""
    # A shell's background job ignores Ctrl-C, and so would every tier that is to be stopped by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    processes.adopt()
    cache = Path.home() / ".cache/geodes-datalab/uv"
    os.environ.setdefault("UV_CACHE_DIR", str(cache))
    course = Course(Path("artifacts/ci"), deadline=time.monotonic() + BUDGET)
    first, *others = TIERS
    course.run(first)  # as the README says it, on what the README asks for
    packages.install()
    for tier in others:
        course.run(tier)
    print(course.summary(), flush=True)
    return 0 if course.passed else 1


sys.exit(main())

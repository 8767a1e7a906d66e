"""Run every tier, print a summary, and fail unless all of them passed, now or on the same content before.

CI_MINUTES: the budget (85). CI_FULL=1: take no proof, run everything.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from gate import packages, processes, tiers
from gate.course import Course
from gate.proofs import Proofs
from gate.tiers import TIERS

BUDGET = float(os.environ.get("CI_MINUTES", "85")) * 60


CACHE = Path.home() / ".cache/geodes-datalab"


def main() -> int:
    """Return the exit code: 0 when every tier passed."""
    # A shell's background job ignores Ctrl-C, and so would every tier that is to be stopped by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    processes.adopt()
    os.environ.setdefault("UV_CACHE_DIR", str(CACHE / "uv"))
    full = os.environ.get("CI_FULL", "0") not in ("", "0")
    proofs = Proofs(CACHE / "proofs", Path.cwd(), ignored=full)
    course = Course(Path("artifacts/ci"), time.monotonic() + BUDGET, proofs)
    try:
        _run(course)
    except KeyboardInterrupt:
        print(f"{course.summary()}\nstopped: the rest was not run", flush=True)
        return 130
    print(course.summary(), flush=True)
    return 0 if course.passed else 1


def _run(course: Course) -> None:
    first, *others = TIERS
    course.run(first)  # as the README says it, on what the README asks for
    packages.install(tiers.packages())
    for tier in others:
        course.run(tier)


sys.exit(main())

"""Run every tier, print a summary, and fail unless all of them passed, now or on the same content before.

With names, run those tiers alone, and keep their proofs: ``.ci/run test-cluster-faults``.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from gate import alone, packages, tiers
from gate.course import Course
from gate.proofs import Proofs
from gate.tiers import LONG, PREPARE, TEST, TIERS, Tier
from gate.tries import Tries

GOALS = {"fresh": 80, "everything": 45, "part": 12}
"""Minutes that a run should take: nothing cached; all tiers with warm caches; a change of one part."""
EPILOG = """environment:
  CI_MINUTES=85  the time for all of it; a tier that is still running then is stopped, and the run fails
  CI_FULL=1      take no proof, run everything"""


def main() -> int:
    """Return the exit code: 0 when every tier passed."""
    options = _options()
    alone.heed_interrupts()
    cache = Path.home() / ".cache/geodes-datalab"
    os.environ.setdefault("UV_CACHE_DIR", str(cache / "uv"))
    full = os.environ.get("CI_FULL", "0") not in ("", "0")
    proofs = Proofs(cache / "proofs", Path.cwd(), ignored=full)
    seconds = float(os.environ.get("CI_MINUTES", "85")) * 60
    tries = Tries(cache / "second-tries.json")
    course = Course(Path("artifacts"), time.monotonic() + seconds, proofs, tries)
    try:
        _some(course, options) if options else _all(course)
    except (KeyboardInterrupt, alone.Stopped):
        print(f"{course.summary()}\nstopped: the rest was not run", flush=True)
        return 130
    passed = course.finish() if not options else course.passed
    print(f"{course.summary()}\n{_goal(course)}", flush=True)
    return 0 if passed else 1


def _options() -> list[Tier]:
    parser = argparse.ArgumentParser(
        prog=".ci/run",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("tiers", nargs="*", metavar="TIER", help="a verb of the Makefile")
    try:
        return tiers.named(parser.parse_args().tiers)
    except ValueError as error:
        parser.error(str(error))


def _all(course: Course) -> None:
    wanted = tiers.packages()
    if packages.missing(wanted):  # the README's verb, on what the README asks of a machine
        course.run(TEST)
        packages.install(wanted)
    course.run(PREPARE)
    done = {row.verb for row in course.rows}
    course.side_by_side([tier for tier in TIERS if tier.verb not in done])
    for tier in LONG:
        course.age(tier)


def _some(course: Course, chosen: list[Tier]) -> None:
    packages.install(sorted({name for tier in chosen for name in tier.packages}))
    course.run(PREPARE)
    keys = {
        tier.verb: course.proofs.key(tier) for tier in chosen
    }  # of what is run, not of what is there then
    course.side_by_side(chosen)
    passed = {row.verb for row in course.rows if row.passed}
    for tier in chosen:
        if tier in LONG and tier.verb in passed:
            course.proofs.record(tier, keys[tier.verb])


def _goal(course: Course) -> str:
    """Say what time such a run should take."""
    run = {row.verb: row.seconds for row in course.rows if row.run}
    each = {tier.verb for tier in TIERS if tier.proved and not tier.covers}
    if run.get("prepare", 0) > 300:
        kind, what = "fresh", "a machine with empty caches"
    elif each <= run.keys() | course.covered:
        kind, what = "everything", "everything, caches warm"
    else:
        kind, what = "part", "a change of one part"
    return f"goal for {what}: {GOALS[kind]} min"


if __name__ == "__main__":
    sys.exit(main())

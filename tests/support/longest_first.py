"""Of the files of tests, give the longest ones out first, by what they took in the run before.

Workers of pytest-xdist take whole files. A long one that is begun last leaves the other workers idle, for minutes;
the number of its tests, by which xdist orders them, says little of that.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

A_TEST = 0.2
"""Seconds that a test of a file is taken for that was not run here before."""


class LongestFirst(LoadFileScheduling):  # type: ignore[misc] # xdist has no types
    """Hands files out, the longest of those left to whoever is free."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        self._known = known()

    def _assign_work_unit(self, node: Any) -> None:
        self.workqueue.move_to_end(max(self.workqueue, key=self._seconds), last=False)
        super()._assign_work_unit(node)

    def _seconds(self, file: str) -> float:
        return self._known.get(file, len(self.workqueue[file]) * A_TEST)


class Clock:
    """Adds up what the tests of each file take, and notes it at the end of a run of whole files."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid.partition("::")[0]] += report.duration

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        finished = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        if finished and not session.shouldstop and not session.shouldfail:
            told = {**known(), **{file: round(spent, 1) for file, spent in self._seconds.items()}}
            _place().parent.mkdir(parents=True, exist_ok=True)
            _place().write_text(json.dumps(told, indent=0, sort_keys=True))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LongestFirst | None:
    return LongestFirst(config, log) if config.option.dist == "loadfile" else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return three workers for two cores: tests wait for processes for a third of their time."""
    return max(1, len(os.sched_getaffinity(0)) * 3 // 2)


def pytest_configure(config: pytest.Config) -> None:
    option = config.option
    some = option.keyword or option.markexpr or any("::" in each for each in config.args)
    if getattr(option, "dist", "no") == "loadfile" and not some:
        config.pluginmanager.register(Clock())


def known() -> dict[str, float]:
    """Return the seconds that each file took here before."""
    try:
        return {str(file): float(spent) for file, spent in json.loads(_place().read_text()).items()}
    except (OSError, ValueError, AttributeError, TypeError):  # none yet, or a run was cut off
        return {}


def _place() -> Path:
    return Path(os.environ["TESTS_CACHE_HOME"]) / "geodes-datalab" / "seconds.json"

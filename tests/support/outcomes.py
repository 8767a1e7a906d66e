"""Write what the tests came to, where the gate (.ci/gate) names a file for it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from gate.outcomes import VARIABLE

_passed = 0


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    global _passed  # noqa: PLW0603 - hooks of a module have no object to keep it in
    _passed += report.when == "call" and report.passed
    if report.failed:
        _write(file=_file(report.nodeid), test=report.nodeid, reason=_reason(report))


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        _write(file=_file(report.nodeid), test=report.nodeid, reason=_reason(report))


def pytest_sessionfinish() -> None:
    _write(passed=_passed)


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def _reason(report: Any) -> str:
    """Return one line: the exception's first, or the last of what is shown."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else report.longreprtext.strip().rpartition("\n")[2]
    return str(text).strip().partition("\n")[0][:300]


def _write(**line: Any) -> None:
    path = os.environ.get(VARIABLE)
    if path and "PYTEST_XDIST_WORKER" not in os.environ:
        with Path(path).open("a", encoding="utf-8") as target:
            target.write(json.dumps(line) + "\n")

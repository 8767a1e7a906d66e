"""Every sentence that people read when a server does not start stands in the operators' table."""

from __future__ import annotations

from pathlib import Path

import pytest

from geodes_datalab.hub.spawn.kubernetes import failures, metrics

PAGE = Path(__file__).parents[2] / "docs/how-to/kubernetes-troubleshooting.md"
MADE = (
    failures.of_refusal(403, "pods is forbidden"),
    failures.of_refusal(422, "spec: invalid"),
    failures.of_refusal(500, "etcd is away"),
    failures.late(300),
    failures.of_pod({"status": {"reason": "Evicted"}}),
)


@pytest.mark.parametrize(
    "problem", [*(known for _, known in failures._IN_MESSAGES), *filter(None, MADE)], ids=str
)
def test_a_failure_is_explained_to_operators(problem: failures.Problem) -> None:
    page = PAGE.read_text("utf-8").replace("...", "300")
    assert f"| {problem.message} | {problem.reason} |" in page
    assert problem.reason in metrics.REASONS


def test_the_made_up_cases_are_failures() -> None:
    assert all(MADE)

"""Every sentence that people read when a server does not start stands in the operators' table."""

from __future__ import annotations

from pathlib import Path

import pytest

from geodes_datalab.hub import troubles
from geodes_datalab.hub.spawn.kubernetes import failures

PAGE = Path(__file__).parents[2] / "docs/how-to/kubernetes-troubleshooting.md"
WHY = ["it cannot be fetched", *(why for _, why, _ in troubles._PULLS)]


@pytest.mark.parametrize("kind", failures.WORDS)
def test_a_failure_is_explained_to_operators(kind: str) -> None:
    page = PAGE.read_text("utf-8").replace("The secret ...", "The ...")
    word = failures.WORDS[kind]
    for why in WHY if kind == "image" else [""]:
        message = word.message.format(what="...", why=why, code="...")
        assert f"| {message} | {word.reason} |" in page
    assert word.reason in failures.REASONS


def test_being_late_is_explained_too() -> None:
    late = failures.late(300)
    assert f"| {late.message} | {late.reason} |" in PAGE.read_text("utf-8").replace("...", "300")


def test_every_kind_of_trouble_has_words() -> None:
    assert {*failures.WORDS, "starting"} == set(troubles.KINDS)

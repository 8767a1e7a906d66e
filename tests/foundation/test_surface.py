"""Names and signatures that users import stay what they are, wherever the modules move."""

from __future__ import annotations

from difflib import unified_diff

from support.surface import RECORD, lines


def test_the_public_surface_is_as_recorded() -> None:
    """Where a change is meant, ``python tests/support/surface.py`` records it."""
    recorded = RECORD.read_text("utf-8").splitlines()
    assert "\n".join(unified_diff(recorded, list(lines()), lineterm="", n=0)) == ""

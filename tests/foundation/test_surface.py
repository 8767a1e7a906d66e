"""Names and signatures that users import stay what they are, wherever the modules move."""

from __future__ import annotations

from support.surface import RECORD, lines


def test_the_public_surface_is_as_recorded() -> None:
    """Where a change is meant, ``python tests/support/surface.py`` records it."""
    assert list(lines()) == RECORD.read_text("utf-8").splitlines()

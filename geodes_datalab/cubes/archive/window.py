"""A rectangle of pixels."""

from __future__ import annotations

from typing import NamedTuple


class Window(NamedTuple):
    """Pixels of an image at full resolution: from (left, top) up to, and without, (right, bottom)."""

    left: int
    top: int
    right: int
    bottom: int

    def grown(self, pixels: int) -> Window:
        """Return the window with a margin on all sides."""
        return Window(
            self.left - pixels, self.top - pixels, self.right + pixels, self.bottom + pixels
        )

    def within(self, width: int, height: int) -> Window:
        """Return the part that lies in an image: at least one pixel of it."""
        left, top = min(max(self.left, 0), width - 1), min(max(self.top, 0), height - 1)
        return Window(
            left, top, min(max(self.right, left + 1), width), min(max(self.bottom, top + 1), height)
        )

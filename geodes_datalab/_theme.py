"""Colours of JupyterLab's themes, light and dark, as CSS; a page without the Lab takes the second of each."""

from __future__ import annotations

TEXT = "var(--jp-ui-font-color1, #222)"
"""Text."""

FAINT = "var(--jp-ui-font-color2, #555)"
"""Text that matters less."""

PAPER = "var(--jp-layout-color1, #fff)"
"""What text stands on."""

SHADED = "var(--jp-layout-color2, #eee)"
"""What stands out from it: buttons."""

BORDER = "var(--jp-border-color1, #bdbdbd)"
"""Lines around something."""

ACCENT = "var(--jp-brand-color1, #1976d2)"
"""What is chosen, or to be pressed."""

ON_ACCENT = "var(--jp-ui-inverse-font-color0, #fff)"
"""Text on it."""

LINK = "var(--jp-content-link-color, #8ab4f8)"
"""Links on a dark page."""

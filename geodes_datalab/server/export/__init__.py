"""What "Save and Export Notebook As" offers: formats that work here, and PDF without LaTeX or a browser.

nbconvert offers every format it knows, also those whose programs (pandoc, LaTeX, Chromium, Qt) are not
there: they end in a page "500". They are switched off. PDF is made by WeasyPrint, a library that lays out
HTML on pages: 20 MB with what it needs, where TeX Live takes 500 MB and Chromium 300 MB.

The configuration folder ``server/lab`` calls `configure` for the server and for ``jupyter nbconvert``.
"""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
from functools import cache
from typing import Any

OFF = ("QtPDFExporter", "QtPNGExporter", "WebPDFExporter")
"""Exporters that would need a browser of the server's own."""

PANDOC = ("ASCIIDocExporter", "LatexExporter", "RSTExporter")
"""Exporters that call pandoc."""

MODULES = ("weasyprint", "ziamath")
LIBRARIES = (
    ("libpango-1.0.so.0", "libpango-1.0.0.dylib"),
    ("libpangoft2-1.0.so.0", "libpangoft2-1.0.0.dylib"),
    ("libharfbuzz-subset.so.0", "libharfbuzz-subset.0.dylib"),
)
"""What WeasyPrint loads of the system, by the names on Linux and macOS: it lays out text."""


def configure(c: Any) -> None:
    """Offer what works, and make PDF our way.

    Parameters
    ----------
    c
        Configuration of Jupyter Server or of nbconvert.
    """
    for name in OFF:
        c[name].enabled = False
    for name in PANDOC:
        c[name].enabled = shutil.which("pandoc") is not None
    c.TemplateExporter.enabled = (
        False  # "custom": without a template of one's own it is a page "500"
    )
    for name in ("HTMLExporter", "MarkdownExporter", "PythonExporter", "ScriptExporter"):
        c[name].enabled = True  # made of it
    c.PDFExporter.enabled = can_make_pdf()
    if can_make_pdf():
        _replace()


@cache
def can_make_pdf() -> bool:
    """Whether WeasyPrint can run here: its wheel does not bring the system's library for text."""
    if any(importlib.util.find_spec(name) is None for name in MODULES):
        return False
    return all(any(_loads(name) for name in names) for names in LIBRARIES)


def _replace() -> None:
    """Put our exporter where nbconvert's entry point ``pdf`` looks: two of one name have no order."""
    import nbconvert.exporters

    from geodes_datalab.server.export.exporter import PDFExporter

    vars(nbconvert.exporters)["PDFExporter"] = PDFExporter


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True

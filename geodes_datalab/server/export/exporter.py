"""The exporter ``pdf`` of nbconvert: a process of its own lays the pages out.

So what that needs (some 150 MB for a large notebook) is given back, and the server stays as small as it was.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import nbformat
from nbconvert.exporters.exporter import Exporter

from geodes_datalab.errors import DataError

LONGEST = 600
"""Seconds after which a notebook is given up."""


class PDFExporter(Exporter):
    """Notebooks on pages of A4, as they were saved."""

    export_from_notebook = "PDF"
    output_mimetype = "application/pdf"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        self.file_extension = ".pdf"

    def from_notebook_node(  # type: ignore[override]  # bytes, as nbconvert's own PDFExporter
        self, nb: Any, resources: Any = None, **kw: Any
    ) -> tuple[bytes, dict[str, Any]]:
        """Return the PDF of a notebook.

        Parameters
        ----------
        nb
            The notebook.
        resources
            What is known of it: its name, and the folder that its pictures are in.
        **kw
            Not used; nbconvert's.
        """
        notebook, resources = super().from_notebook_node(nb, resources, **kw)
        known = resources.get("metadata", {})
        task = {
            "notebook": nbformat.writes(notebook),  # type: ignore[no-untyped-call]
            "name": known.get("name", "notebook"),
            "folder": known.get("path", ""),
        }
        return _pages(json.dumps(task).encode()), resources


def _pages(task: bytes) -> bytes:
    command = [sys.executable, "-m", "geodes_datalab.server.export"]
    try:
        done = subprocess.run(
            command, input=task, capture_output=True, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired:
        raise DataError(
            f"the notebook is not laid out on pages after {LONGEST} seconds",
            hint="clear outputs that are very long, or export it as HTML and print that",
        ) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise DataError(
            "the notebook cannot be laid out on pages: " + (said[-1] if said else "no reason told"),
            hint="clear the outputs of cells one by one to find the one; HTML works without pages",
        )
    return done.stdout

"""The Python blocks of README and documentation, run as a reader runs them: page by page, in cells of a kernel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbclient import NotebookClient
from nbformat import NotebookNode, v4
from support.cells import Cells
from support.recipes import DOCS, Block, blocks
from support.waiting import minutes

from geodes_datalab.standin import StandIn

README = DOCS.parent / "README.md"


def of_python(page: Path) -> list[Block]:
    """Return the Python blocks of a page."""
    return [block for block in blocks(page) if block.language == "python"]


def with_python() -> list[Path]:
    """Return README and the pages of the documentation that have Python blocks."""
    found = [README, *sorted(DOCS.rglob("*.md"))]
    return [page for page in found if "_build" not in page.parts and of_python(page)]


class Reader:
    """A kernel in which pages are read one after the other, each from a clean slate.

    Parameters
    ----------
    client
        With a started kernel.
    """

    def __init__(self, client: NotebookClient) -> None:
        self._client = client

    def read(self, page: Path, folder: Path) -> Cells:
        """Run the blocks of a page that can be run; return them as cells with their outputs.

        Parameters
        ----------
        page
            Markdown.
        folder
            Where its files go.
        """
        self.begin(folder)
        return [
            self.run(block.text, f"{page.name}-line-{block.line}")
            for block in of_python(page)
            if not block.skipped
        ]

    def begin(self, folder: Path) -> None:
        """Forget all names, and work in another folder."""
        folder.mkdir(parents=True, exist_ok=True)
        # %reset forgets __spec__ too, without which multiprocessing starts no process
        self.run(f"%reset -f\n__spec__ = None\n%cd -q {folder}", "before")

    def run(self, source: str, name: str) -> NotebookNode:
        """Run one cell, and return it with its outputs."""
        cells = self._client.nb.cells
        cell: NotebookNode = v4.new_code_cell(  # type: ignore[no-untyped-call]
            source, id=name[:64].replace(".", "-")
        )
        cells.append(cell)
        self._client.execute_cell(cell, len(cells) - 1)
        return cell


@contextmanager
def reader(catalogue: StandIn, home: Path) -> Iterator[Reader]:
    """Start a kernel that asks a stand-in catalogue.

    Parameters
    ----------
    catalogue
        Who answers.
    home
        An empty folder.
    """
    key = home / "key"
    key.write_text(catalogue.api_key)
    told = {
        "HOME": str(home),
        "GEODES_PORTAL": catalogue.url,
        "GEODES_API_KEY_FILE": str(key),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    client = NotebookClient(
        v4.new_notebook(),  # type: ignore[no-untyped-call]
        kernel_name="python3",
        allow_errors=True,  # they are looked for in the outputs
        resources={"metadata": {"path": str(home)}},
        timeout=int(minutes(5)),
        startup_timeout=int(minutes(5)),
        iopub_timeout=int(minutes(2)),
    )
    with client.setup_kernel(env={**os.environ, **told}):
        yield Reader(client)

"""Pictures of the gallery: for each notebook, the last figure that it draws from the sample catalogue.

``python tests/support/thumbnails.py`` (with the checkout and ``tests`` on PYTHONPATH) draws them anew; with names
(``01-start/01-first-steps``), those alone. Notebooks that draw nothing, or that need an HPC centre, have no picture.
"""

from __future__ import annotations

import base64
import io
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from unittest import mock

import nbformat
import yaml
from PIL import Image, PngImagePlugin
from support import dask_gateway
from support.cells import Cells, faults
from support.pages import reader
from support.recipes import DOCS

from geodes_datalab.standin import serve

PICTURES = DOCS / "images" / "notebooks"
NOTEBOOKS = DOCS.parent / "notebooks"
WIDTH = 440
MOST_BYTES = 60_000
NOT_RUN = {"04-scale/02-hpda": "needs an HPC centre"}
SETTINGS = 'c.ClusterConfig.scheduler_memory = c.ClusterConfig.worker_memory = "1 G"\n'


def names() -> list[str]:
    """Return the notebooks of ``gallery.yml``: folder and name."""
    shelves = yaml.safe_load((NOTEBOOKS / "gallery.yml").read_text("utf-8"))["shelves"]
    return [
        f"{shelf['folder']}/{entry['file'].removesuffix('.ipynb')}"
        for shelf in shelves
        for entry in shelf["notebooks"]
    ]


def path(name: str) -> Path:
    """Return where the picture of a notebook is kept."""
    return PICTURES / f"{name.replace('/', '-')}.png"


def drawn(cells: Cells) -> tuple[str, Image.Image] | None:
    """Return the last figure of executed cells, with the name of its cell; None where there is none."""
    found = [
        (str(cell.id), output["data"]["image/png"])
        for cell in cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    if not found:
        return None
    cell, data = found[-1]
    return cell, Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")


def small(picture: Image.Image) -> Image.Image:
    """Return a picture as the gallery shows it."""
    size = (WIDTH, round(picture.height * WIDTH / picture.width))
    return picture.resize(size, Image.Resampling.LANCZOS)


def keep(name: str, cell: str, picture: Image.Image) -> None:
    """Write the picture of a notebook, with the name of the cell that drew it."""
    note = PngImagePlugin.PngInfo()
    note.add_text("cell", cell)
    colours = small(picture).quantize(  # the default turns black into red, and grey into blue
        128, Image.Quantize.MAXCOVERAGE, kmeans=4, dither=Image.Dither.NONE
    )
    colours.save(path(name), optimize=True, pnginfo=note)
    print(f"{path(name)}: {colours.size}, {path(name).stat().st_size} bytes")


def run(name: str, home: Path) -> Cells:
    """Run a notebook against the sample catalogue and a Dask Gateway; return its cells of code."""
    notebook = nbformat.read(  # type: ignore[no-untyped-call]
        NOTEBOOKS / f"{name}.ipynb", as_version=4
    )
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    with serve() as standin, dask_gateway.serve(home, SETTINGS) as gateway:
        told = {
            "DASK_GATEWAY__ADDRESS": gateway.address,
            "DASK_GATEWAY__PROXY_ADDRESS": gateway.proxy_address,
            "DASK_GATEWAY__AUTH__TYPE": "basic",
            "DASK_GATEWAY__AUTH__KWARGS": '{"username": "ada"}',
        }
        with mock.patch.dict(os.environ, told), reader(standin, home) as ready:
            ready.begin(home / "work")
            return [ready.run(cell.source, cell.id) for cell in code]


def write(wanted: Iterable[str]) -> None:
    """Draw the pictures of these notebooks."""
    for name in wanted:
        with tempfile.TemporaryDirectory() as folder:
            cells = run(name, Path(folder))
        wrong, figure = faults(cells), drawn(cells)
        if wrong:
            raise SystemExit(f"{name}: {wrong}")
        if figure is None:
            print(f"{name}: draws nothing")
            path(name).unlink(missing_ok=True)
        else:
            keep(name, *figure)


if __name__ == "__main__":
    write(sys.argv[1:] or [name for name in names() if name not in NOT_RUN])

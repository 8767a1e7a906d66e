"""The pictures of README and of the documentation's first page: what their own code draws.

``python tests/support/figures.py`` (with ``tests`` on PYTHONPATH) draws them anew from the sample catalogue; with the
name of one (``season``), that alone.
"""

from __future__ import annotations

import base64
import io
import sys
import tempfile
from pathlib import Path

from nbformat import NotebookNode
from PIL import Image
from support.pages import README, Reader, of_python, reader
from support.recipes import DOCS

from geodes_datalab.standin import serve

IMAGES = DOCS / "images"
EXAMPLE = IMAGES / "season.png"
"""What README's first example draws."""
RESULTS = IMAGES / "results.png"
"""What ``docs/images/results.py`` draws."""

ALIKE = 6.0
"""Of 255. Fonts and versions of matplotlib move letters; another picture differs by far more."""


def drawn(cell: NotebookNode) -> Image.Image:
    """Return the picture in the outputs of a cell.

    Raises
    ------
    LookupError
        There is none, or more than one; what went wrong stands in the message.
    """
    found = [output["data"].get("image/png") for output in cell.outputs if "data" in output]
    pictures = [data for data in found if data]
    if len(pictures) != 1:
        raise LookupError(f"{len(pictures)} pictures: {cell.outputs}")
    return Image.open(io.BytesIO(base64.b64decode(pictures[0]))).convert("RGB")


def example(ready: Reader, folder: Path) -> Image.Image:
    """Run README's first example; return its picture."""
    ready.begin(folder)
    return drawn(ready.run(of_python(README)[0].text, "example"))


def results(ready: Reader, folder: Path) -> Image.Image:
    """Run the script of results; return its picture."""
    ready.begin(folder)
    return drawn(ready.run(RESULTS.with_suffix(".py").read_text("utf-8"), "results"))


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return how far two pictures differ on the whole: 0 to 255, mean over a coarse raster of both."""
    size = (48, 32)
    pairs = zip(one.resize(size).tobytes(), other.resize(size).tobytes(), strict=True)
    return sum(abs(left - right) for left, right in pairs) / (size[0] * size[1] * 3)


def write(names: list[str]) -> None:
    """Draw pictures into the documentation: those of these names, or all."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with serve() as standin, reader(standin, home) as ready:
            for path, draw in ((EXAMPLE, example), (RESULTS, results)):
                if names and path.stem not in names:
                    continue
                picture = draw(ready, home)
                picture.save(path, optimize=True)
                print(f"{path}: {picture.size}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    write(sys.argv[1:])

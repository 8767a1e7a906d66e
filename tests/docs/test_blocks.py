"""Every Python block of README and documentation runs against the sample catalogue, page after page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import pages
from support.cells import Cells, assert_clean, faults
from support.pages import Reader
from support.recipes import DOCS, blocks

from geodes_datalab.standin import Catalogue, serve

ROOT = DOCS.parent

NOT_RUN = {
    "README.md": ["needs the real GEODES and a key"],
    "docs/how-to/federation.md": ["needs the network"] * 2,
    "docs/how-to/heights.md": ["needs the grid of EGM2008"] * 2,
    "docs/how-to/hpda.md": ["needs an HPC centre"],
    "docs/how-to/opensearch.md": ["needs the network", "needs OWSLib, and the service"],
    "docs/how-to/real-geodes.md": ["needs the real GEODES and a key"],
    "docs/how-to/scale-with-dask.md": ["needs a second notebook"],
    "docs/tutorial/own-machine.md": ["needs the real GEODES and a key"],
    "docs/tutorial/premiers-pas.md": ["needs the real GEODES and a key"],
}
"""What tests cannot run, by page. A reason more, or one less, is seen here."""

SMALLER = re.compile(r"ClusterWarning: \d+ of \d+ workers came: ")
"""What a machine of one core answers truly to who asks for two workers."""


def told(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def reader(
    samples_catalogue: Catalogue,
    missions_catalogue: Catalogue,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Reader]:
    home = tmp_path_factory.mktemp("reader")
    served = samples_catalogue + missions_catalogue
    with serve(served) as standin, pages.reader(standin, home) as ready:
        yield ready


@pytest.mark.parametrize("page", pages.with_python(), ids=told)
def test_blocks_run_from_the_first_to_the_last(page: Path, reader: Reader, tmp_path: Path) -> None:
    cells = reader.read(page, tmp_path)
    for cell in cells:
        cell.outputs = [each for each in cell.outputs if not SMALLER.search(each.get("text", ""))]
    assert faults(cells) == []
    assert_clean(cells)  # keeps what other libraries said
    left = reader.run("import geodes_datalab as gd\nprint(len(gd.clusters()), 'open')", "after")
    said = "".join(output.text for output in left.outputs)  # a kernel may send it in pieces
    assert said == "0 open\n", f"the page leaves clusters open: {left.outputs}"


def test_what_is_not_run_is_known_and_said_to_the_reader() -> None:
    skipped: dict[str, list[str]] = {}
    for page in pages.with_python():
        reasons = [block.skipped for block in pages.of_python(page) if block.skipped]
        if reasons:
            skipped[told(page)] = reasons
    assert skipped == NOT_RUN


def test_a_block_that_fails_or_warns_is_seen(reader: Reader, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Page\n\n```python\na = 1\n```\n\n```python\nprint(a + b)\n```\n\n"
        "<!-- not run: for a reason -->\n```python\nraise SystemError\n```\n\n"
        "% not run: for another\n```python\nraise SystemError\n```\n"
    )
    assert [block.skipped for block in blocks(page)] == ["", "", "for a reason", "for another"]
    cells: Cells = reader.read(page, tmp_path)
    assert len(cells) == 2
    [fault] = faults(cells)
    assert fault.startswith("page-md-line-7: NameError: name 'b'")


def test_each_page_begins_anew(reader: Reader, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nprint('forgotten' if 'a' not in vars() else a)\na = 1\n```\n")
    for _ in range(2):
        [cell] = reader.read(page, tmp_path / "folder")
        assert cell.outputs[0].text == "forgotten\n"

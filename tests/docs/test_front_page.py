"""What README and the documentation's first page show is what the package gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from support import figures, missions, pages
from support.recipes import DOCS

from geodes_datalab.standin import Catalogue, serve


def test_the_picture_beside_the_example_is_what_it_draws(
    samples_catalogue: Catalogue, tmp_path: Path
) -> None:
    with serve(samples_catalogue) as standin, pages.reader(standin, tmp_path) as reader:
        drawn = figures.example(reader, tmp_path)
    shown = Image.open(figures.EXAMPLE).convert("RGB")
    assert shown.size == pytest.approx(drawn.size, rel=0.1)
    assert figures.difference(shown, drawn) < figures.ALIKE
    other = Image.open(figures.RESULTS).convert("RGB")
    assert figures.difference(other, drawn) > 2 * figures.ALIKE
    assert (
        figures.difference(drawn.rotate(180), drawn) > figures.ALIKE
    )  # the same colours, elsewhere


def test_the_first_pages_have_one_example_and_its_picture() -> None:
    readme, home = (pages.of_python(page)[0] for page in (pages.README, DOCS / "index.md"))
    assert readme.text == home.text
    assert figures.EXAMPLE.name in pages.README.read_text("utf-8")
    assert figures.EXAMPLE.name in (DOCS / "index.md").read_text("utf-8")


def test_pictures_are_small() -> None:
    for path in (figures.EXAMPLE, figures.RESULTS):
        assert path.stat().st_size < 400_000, path


def test_the_table_of_missions_is_that_of_the_package() -> None:
    text = pages.README.read_text("utf-8")
    assert text == missions.written(text), "python tests/support/missions.py"


def test_every_collection_is_of_one_mission() -> None:
    assert {missions.mission(name) for name in missions.collections()} == set(missions.MISSIONS)
    with pytest.raises(LookupError):
        missions.mission("MICROCARB_L2")


def test_every_collection_is_read_by_a_verb_and_described() -> None:
    for name in missions.collections():
        assert missions.read_by(name), name
    for name, one in missions.readers.readers().items():
        assert one.source, name
        assert one.description, name
        assert one.status in ("confirmed", "documented", "provisional"), name
        assert one.bands or one.layout in ("features", "harmonics"), name
    assert missions.upcoming()


def test_every_how_to_stands_in_the_list_once() -> None:
    folder = DOCS / "how-to"
    listed = [line for line in (folder / "index.md").read_text("utf-8").splitlines() if line]
    for page in folder.glob("*.md"):
        assert listed.count(page.stem) == (0 if page.stem == "index" else 1), page


ASKED = {
    "animation gif": "animation",
    "cloud mask": "composites",
    "export geotiff": "saving",
    "français": "french",
    "hvplot": "more-packages",
    "lesson": "teaching",
    "mosaic": "composites",
    "reset notebook": "notebooks",
    "shapefile": "zonal",
    "time series": "time-series",
    "workshop": "teaching",
    "zonal statistics": "zonal",
}
"""What people type into the search of the documentation, and the page that they should find."""


@pytest.mark.parametrize("words", ASKED)
def test_pages_use_the_words_that_people_search_for(words: str) -> None:
    text = (DOCS / "how-to" / f"{ASKED[words]}.md").read_text("utf-8").casefold()
    assert [word for word in words.split() if word not in text] == []

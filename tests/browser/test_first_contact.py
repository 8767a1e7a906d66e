"""A first hour in the datalab, step by step: light and dark, in English and in French.

The steps of one guest follow each other; every one is looked at, and leaves a picture.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect
from support.cells import assert_clean, ran
from support.contrast import faint
from support.datalab import Datalab
from support.first_contact import FURTHER, Guest, hovered, pictured
from support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]

SAID = {
    "en": {
        "button": "Sign in",
        "start": "Start My Server",
        "starting": "Your server is starting up",
        "progress": r"Server requested|Spawning server\.\.\.",
        "readme": "README.md",
        "shelf": "Start",
        "title": "First steps",
        "menu": "File",
        "cluster": r"Dask cluster \S+ \(gateway\): running",
        "dashboard": "Dashboard",
        "cure": "What to do: ",
        "whole": "The whole traceback: ",
    },
    "fr": {
        "button": "Se connecter",
        "start": "Démarrer mon serveur",
        "starting": "Votre serveur démarre",
        "progress": r"Serveur demandé|Démarrage du serveur\.\.\.",
        "readme": "README.fr.md",
        "shelf": "Pour commencer",
        "title": "Premiers pas",
        "menu": "Fichier",
        "cluster": r"Cluster Dask \S+ \(gateway\)\s?: en marche",
        "dashboard": "Tableau de bord",
        "cure": "Que faire\u00a0: ",
        "whole": "La trace complète\u00a0: ",
    },
}
PICTURE = ".leaflet-image-layer[src^='data:image/png']"
"""Of a date; the net of coordinates is a layer too."""


@pytest.fixture(scope="module")
def french(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Iterator[Datalab]:
    """Start a datalab whose Lab, errors and tables are in French."""
    environment = {**os.environ, "GEODES_CACHE_DIR": str(shared_cache)}
    folder = tmp_path_factory.mktemp("french")
    with Datalab.start(folder, arguments=["--language=fr"], environment=environment) as running:
        yield running


@pytest.fixture(scope="module", params=["en-light", "en-dark", "fr-light", "fr-dark"])
def guest(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Guest]:
    language, theme = request.param.split("-")
    datalab = request.getfixturevalue("french" if language == "fr" else "datalab")
    comes = Guest.arrives(browser, datalab, language, theme)
    yield comes
    comes.leaves()


@pytest.fixture
def said(guest: Guest) -> dict[str, str]:
    return SAID[guest.language]


@pytest.fixture
def look(guest: Guest, shoot: Callable[..., object]) -> Callable[..., None]:
    """Return what keeps a picture of a step, and finds text there that can hardly be read."""

    def looked(step: str, *parts: Locator) -> None:
        shoot(guest.page, f"first-contact-{step}-{guest.language}-{guest.theme}")
        assert [one for part in parts for one in faint(part)] == [], step

    return looked


def test_a_start_is_told(guest: Guest, said: dict[str, str], look: Callable[..., None]) -> None:
    page = guest.page
    page.goto(f"{guest.datalab.url}hub/login?next=%2Fhub%2Fhome")
    page.locator("#username_input").fill(guest.name)
    page.locator("#password_input").fill(guest.datalab.password)
    page.get_by_role("button", name=said["button"]).click()
    page.get_by_role("button", name=said["start"]).click()
    expect(page.get_by_role("heading", name=said["starting"])).to_be_visible()
    expect(page.locator("#progress-message")).to_have_text(re.compile(said["progress"]))
    expect(page.locator("html")).to_have_attribute("data-bs-theme", guest.theme)
    look("spawn")  # axe looks at this page in test_hub_pages


def test_the_lab_opens_on_the_index(
    guest: Guest, said: dict[str, str], look: Callable[..., None]
) -> None:
    page = guest.page
    guest.lab.wait_ready()
    expect(page).to_have_url(re.compile(rf"/lab/tree/notebooks/{re.escape(said['readme'])}"))
    light = "true" if guest.theme == "light" else "false"
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", light)
    menu = page.locator("#jp-MainMenu")
    expect(menu.get_by_role("menuitem", name=said["menu"], exact=True)).to_be_visible()
    index = page.locator(".jp-MarkdownViewer")
    expect(index.get_by_role("row").filter(has_text=said["title"])).to_contain_text(said["shelf"])
    guest.lab.assert_quiet()
    look("index", index)


def test_the_first_sections_run(
    guest: Guest, said: dict[str, str], look: Callable[..., None]
) -> None:
    guest.write_further_cells()
    guest.lab.open_from_readme(said["title"], said["readme"])
    cells = guest.run_until_the_error()
    assert_clean(cells[:-2])
    assert ran(cells[:-2])
    table = guest.cell("items = gd.search(").locator(".jp-RenderedHTMLCommon table")
    expect(table.locator("tr")).to_have_count(6)
    guest.lab.assert_quiet()
    look("notebook", table)


def test_a_map_tells_what_lies_under_the_pointer(guest: Guest, look: Callable[..., None]) -> None:
    panel = guest.lab.panel
    the_map = guest.lab.scroll_to(panel.locator(".leaflet-container").first)
    frames = panel.locator(".geodes-frame:visible")
    expect(frames).to_have_count(5)
    eventually(pictured(frames), "pictures in the film strip")
    card = the_map.locator(".geodes-card")
    hovered(the_map, card, 300, 250)
    expect(card).to_contain_text("5")
    expect(card).to_contain_text("2021-")
    dates = the_map.locator(".leaflet-bottom.leaflet-right span").filter(has_text="20")
    places = [box for box in (date.bounding_box() for date in dates.all()) if box]
    assert len(places) == 3
    ends = [place["x"] + place["width"] for place in places[:-1]]
    assert all(place["x"] - end > 4 for place, end in zip(places[1:], ends, strict=True))
    look("map", the_map, panel.locator(".geodes-frames"))


def test_a_cube_is_led_through_by_its_slider(guest: Guest, look: Callable[..., None]) -> None:
    the_map = guest.cell(FURTHER[0]).locator(".leaflet-container")
    slider = the_map.locator(".widget-hslider")
    picture, label = the_map.locator(PICTURE), slider.locator(".widget-readout")
    before, drawn = label.inner_text(), picture.get_attribute("src")
    assert re.match(r"20\d\d-\d\d-\d\d", before)
    slider.locator(".noUi-handle").press("ArrowRight")
    expect(label).not_to_have_text(before)
    expect(label).to_have_text(re.compile(r"20\d\d-\d\d-\d\d"))
    eventually(lambda: picture.get_attribute("src") != drawn, "the picture of another date")
    expect(the_map.get_by_role("status")).to_have_count(0)  # it says that it reads, while it does
    look("show", the_map)


def test_a_cluster_has_a_card_with_one_button(
    guest: Guest, said: dict[str, str], look: Callable[..., None]
) -> None:
    cell = guest.cell(FURTHER[1])
    expect(cell.locator(".jupyter-widgets:visible")).to_have_count(0)  # no bar is left
    card = cell.locator(".jp-RenderedHTMLCommon")
    expect(card).to_contain_text(re.compile(said["cluster"]))
    expect(card.get_by_role("link")).to_have_count(1)
    expect(card.get_by_role("link")).to_have_text(said["dashboard"])
    look("cluster", card)


def test_an_error_is_short_and_says_what_to_do(
    guest: Guest, said: dict[str, str], look: Callable[..., None]
) -> None:
    error = guest.cell(FURTHER[2]).locator(".jp-RenderedText")
    text = error.inner_text()
    assert said["cure"] in text
    assert said["whole"] in text
    assert len(text.splitlines()) < 10
    assert "site-packages" not in text
    look("error", error)
    guest.close_cluster()
    guest.lab.assert_quiet()

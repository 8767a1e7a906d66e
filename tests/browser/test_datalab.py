"""The datalab as people see it, from the login page to a dashboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, expect
from support import own_environment
from support.lab import SLOW, Lab, assert_clean, assert_shows_bars, position, ran
from support.lab_tools import assert_exports_work, open_terminal, type_in_terminal
from support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from support.datalab import Datalab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]

FIRST = "01-start/01-first-steps.ipynb"
DASK = "04-scale/01-dask-gateway.ipynb"


def painted(canvas: Locator) -> int:
    """Return how many pixels of a canvas are painted."""
    return int(
        canvas.evaluate("""canvas => {
            const { width, height } = canvas;
            const bytes = canvas.getContext("2d").getImageData(0, 0, width, height).data;
            return bytes.filter((byte, i) => i % 4 === 3 && byte > 0).length;
        }""")
    )


def product_of(the_map: Locator, shown: Locator, place: tuple[int, int]) -> None:
    """Click on a map until a product's picture is shown: a map that is being drawn takes no click."""

    def chosen() -> bool:
        the_map.click(position={"x": place[0], "y": place[1]})
        expect(shown).to_be_visible(timeout=SLOW / 20)
        return True

    eventually(chosen, "the picture of a product", within=5)


def test_lab_opens_on_the_readme_of_the_own_copy(
    ada: Lab, datalab: Datalab, shoot: Callable[..., object]
) -> None:
    expect(ada.page).to_have_url(re.compile(r"/user/ada/lab/tree/notebooks/README\.md"))
    expect(ada.page.get_by_role("heading", name="Notebooks", exact=True)).to_be_visible()
    assert (datalab.state_dir / "homes/ada/notebooks" / FIRST).is_file()
    ada.assert_quiet()
    shoot(ada.page, "01-readme")


def test_first_notebook_runs_to_its_end(
    ada: Lab, datalab: Datalab, shoot: Callable[..., object]
) -> None:
    ada.open_from_readme("First steps")
    ada.run_all()
    cells = ada.saved(FIRST, ran)
    assert_clean(cells)
    shoot(ada.page, "02-first-steps-end")
    folder = (datalab.state_dir / "homes/ada/notebooks" / FIRST).parent
    assert {"ndvi.nc", "greenest.tif"} <= {path.name for path in folder.iterdir()}

    table = ada.scroll_to(
        ada.panel.locator(".jp-RenderedHTMLCommon table").filter(has_text="SENTINEL2")
    )
    expect(table.locator("tr")).to_have_count(6)
    shoot(ada.page, "03-first-steps-search")

    the_map = ada.scroll_to(ada.panel.locator(".leaflet-container").filter(has_text="5 footprints"))
    expect(the_map.get_by_text("5 footprints")).to_be_visible()
    canvas = the_map.locator(".leaflet-overlay-pane canvas")
    eventually(lambda: painted(canvas) > 10_000, "the painted footprints")
    product_of(the_map, ada.panel.locator(".widget-html-content img"), (300, 250))
    product = ada.panel.locator(".jupyter-widgets").filter(has_text="Acquired").last
    expect(product).to_be_visible()
    shoot(ada.page, "04-first-steps-map")

    for number, heading in enumerate(("5. True colour", "6. NDVI", "7. One picture"), start=5):
        ada.scroll_to(ada.panel.get_by_role("heading", name=heading))
        ada.scroll_to(ada.panel.locator(".jp-RenderedImage img"), from_top=False)
        shoot(ada.page, f"{number:02}-first-steps-plot")
    ada.assert_quiet()


def test_two_views_of_a_notebook_side_by_side(ada: Lab, shoot: Callable[..., object]) -> None:
    """Leaves the picture of the README; needs the first notebook open, with its results."""
    ada.page.get_by_role("tab", name="01-first-steps.ipynb").click(button="right")
    ada.entry("New View for Notebook").click()
    ada.page.keyboard.press("Control+b")  # the file browser makes room
    expect(ada.panel).to_have_count(2)
    left, right = ada.view(0), ada.view(1)
    right.scroll_to(right.panel.get_by_role("heading", name="6. NDVI"))
    right.scroll_to(right.panel.locator(".jp-RenderedImage img"), from_top=False)
    left.scroll_to(left.panel.locator(".jp-CodeCell").filter(has_text="gd.explore(items)"))
    the_map = left.panel.locator(".leaflet-container").filter(has_text="5 footprints")
    the_map.get_by_role("button", name="Zoom out").click()
    expect(the_map.get_by_text("1 km")).to_be_visible()
    product_of(the_map, left.panel.locator(".widget-html-content img"), (200, 250))
    ada.page.locator("#jp-main-statusbar").hover()  # away from the map
    expect(the_map.locator(".geodes-card")).to_have_count(0)
    ada.wait_idle()
    shoot(ada.page, "datalab")
    ada.page.get_by_role("tab", name="01-first-steps.ipynb").nth(1).click(button="right")
    ada.entry("Close Tab").click()
    ada.page.keyboard.press("Control+b")
    expect(ada.panel).to_have_count(1)


def test_dask_notebook_and_its_dashboard(
    ada: Lab, log_in: Callable[[str], Lab], datalab: Datalab, shoot: Callable[..., object]
) -> None:
    ada.open_from_readme("Sentinel-1 time series")
    cells = ada.read(DASK)
    opened, resized = position(cells, "## 3. "), position(cells, "## 7. ")

    ada.run(cells[:opened])
    assert_clean(ada.saved(DASK, lambda now: ran(now[:opened])))
    button = ada.panel.get_by_role("link", name="Dashboard", exact=True)
    with ada.page.expect_popup() as popup:
        ada.scroll_to(button).click()
    dashboard = popup.value
    assert_shows_bars(dashboard)

    ada.page.bring_to_front()
    address = ada.dask_panel().get_by_role("textbox").first
    expect(address).to_have_value(re.compile("/proxy/.*/status$"))  # nobody has typed or clicked it
    shoot(ada.page, "10-dask-panel-connected")
    ada.page.keyboard.press("Control+b")
    ada.run(cells[opened:resized])
    assert_clean(ada.saved(DASK, lambda now: ran(now[:resized])))
    dashboard.bring_to_front()
    assert_shows_bars(dashboard)
    shoot(dashboard, "dashboard")

    assert_refused(log_in("bob"), datalab, dashboard.url)

    ada.page.bring_to_front()
    ada.run(cells[resized:])
    assert_clean(ada.saved(DASK, ran))
    shoot(ada.page, "11-dask-end")
    for number, heading in enumerate(("4. Power", "5. How much", "6. Has it"), start=12):
        ada.scroll_to(ada.panel.get_by_role("heading", name=heading))
        ada.scroll_to(ada.panel.locator(".jp-RenderedImage img"), from_top=False)
        shoot(ada.page, f"{number:02}-dask-plot")
    ada.assert_quiet()


def assert_refused(stranger: Lab, datalab: Datalab, dashboard: str) -> None:
    """Assert that another user, logged in, reaches neither server nor dashboard of ada."""
    for address in (f"{datalab.url}user/ada/lab", f"{datalab.url}user/ada/api/contents", dashboard):
        answer = stranger.page.goto(address)
        assert answer is not None
        assert answer.status in (403, 404), address


def test_the_dask_panel_s_cluster_is_connected_by_its_own_code(
    log_in: Callable[[str], Lab], shoot: Callable[..., object]
) -> None:
    dora = log_in("dora")
    panel = dora.dask_panel()
    expect(panel.get_by_text("HPC", exact=True)).to_have_count(0)  # no centre is named here
    panel.get_by_text("NEW", exact=True).click()
    cluster = panel.locator(".dask-ClusterListingItem")
    expect(cluster).to_contain_text(re.compile("Number of Workers: [12]"))
    dora.open_from_readme("First steps")
    dora.connect_by_panel(cluster)
    shoot(dora.page, "17-dask-panel")
    cluster.get_by_role("button", name="Shutdown").click()
    expect(cluster).to_have_count(0)
    dora.assert_quiet()


def test_every_export_of_the_menu_gives_a_file(
    log_in: Callable[[str], Lab], datalab: Datalab, shoot: Callable[..., object]
) -> None:
    emma = log_in("emma")
    emma.open_from_readme("First steps")
    assert_exports_work(emma, f"{datalab.url}user/emma/", f"notebooks/{FIRST}")
    shoot(emma.page, "18-exports")
    emma.assert_quiet()


@pytest.mark.parametrize(
    ("keys", "shows"),
    [
        (["python -c 'import xarray; print(xarray.__name__)' > ~/seen-python", "Enter"], "xarray"),
        (["geodes-dat", "Tab", "--help > ~/seen-completion", "Enter"], "geodes-datalab"),
    ],
    ids=["python", "completion"],
)
def test_the_terminal_is_that_of_the_environment(
    fred: Lab, datalab: Datalab, keys: list[str], shows: str
) -> None:
    """`python` is the one with the libraries, and Tab completes what it brings."""
    name = next(key for key in keys if "> " in key).rpartition("> ~/")[2]
    seen = datalab.state_dir / "homes" / "fred" / name
    open_terminal(fred)
    told = type_in_terminal(fred, keys, lambda: seen.read_text() if seen.is_file() else "")
    assert shows in told


def test_an_own_environment_is_used_added_to_and_there_after_a_restart(
    fred: Lab, datalab: Datalab, tmp_path: Path, shoot: Callable[..., object]
) -> None:
    visitor = datalab.visitor("fred")
    assert visitor.server_answers()
    own_environment.bring_wheels(visitor, tmp_path)
    own_environment.make_and_use(fred, visitor)
    shoot(fred.page, "19-own-environment")
    own_environment.restart(fred, visitor)
    own_environment.still_there(fred)


def test_speaks_french(log_in: Callable[[str], Lab], shoot: Callable[..., object]) -> None:
    claire = log_in("claire")
    claire.menu("Settings", "Language", r"French \(France\).*")
    claire.page.locator(".jp-Dialog").get_by_role("button", name="Change and reload").click()
    menu = claire.page.locator("#jp-MainMenu")
    expect(menu.get_by_role("menuitem", name="Fichier", exact=True)).to_be_visible()
    claire.wait_ready()
    shoot(claire.page, "20-french")

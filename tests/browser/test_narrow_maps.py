"""A narrow map: the card at the pointer leaves room for the tools at the other side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from geodes_datalab.maps import panel, theme

pytestmark = pytest.mark.browser

# Where Leaflet puts its corners, in its own words.
LEAFLET = """<style>
body { margin: 0; font-family: sans-serif; }
.geodes-map { height: 300px; position: relative; overflow: hidden; }
.leaflet-top { position: absolute; top: 0; }
.leaflet-left { left: 0; }
.leaflet-right { right: 0; }
.leaflet-control { clear: both; margin-top: 10px; }
.leaflet-left .leaflet-control { float: left; margin-left: 10px; }
.leaflet-right .leaflet-control { float: right; margin-right: 10px; }
#tools { width: 34px; height: 200px; }
</style>"""
TITLE = "SENTINEL2A_20211107-141744-567_L2A_T19GDM_C_V3-0_and_what_else_stands_in_its_name"
ITEM = {"id": "1", "properties": {"title": TITLE, "datetime": "2021-11-07T14:17:44Z"}}


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def draw(page: Any, wide: int, products: int) -> None:
    """Put a map of some pixels, with tools and card, into the page."""
    card = panel.card([ITEM] * products)
    page.set_content(
        f"{LEAFLET}{theme.STYLE}<div class={theme.NAME} style='width: {wide}px'>"
        "<div class='leaflet-top leaflet-left'><div class=leaflet-control id=tools></div></div>"
        f"<div class='leaflet-top leaflet-right'><div class=leaflet-control>{card}</div></div></div>"
    )


@pytest.mark.parametrize("wide", [200, 240, 300, 360, 900])
@pytest.mark.parametrize("products", [1, 6])
def test_the_card_covers_no_tool(page: Any, wide: int, products: int) -> None:
    draw(page, wide, products)
    tools = page.locator("#tools").bounding_box()
    shown = page.locator(".geodes-card").bounding_box()
    text = page.locator(".geodes-card").evaluate("card => card.scrollWidth <= card.clientWidth")
    assert text, "the text goes beyond the card"
    assert shown["x"] >= tools["x"] + tools["width"]
    assert shown["x"] + shown["width"] <= wide
    assert shown["width"] <= 336
    assert shown["width"] >= min(260, wide - 90), "the card is needlessly narrow"


def test_where_there_is_no_room_there_is_no_card(page: Any) -> None:
    draw(page, 150, 6)
    assert page.locator("#tools").is_visible()
    assert not page.locator(".geodes-card").is_visible()

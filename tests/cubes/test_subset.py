"""A window of one product of the stand-in GEODES, and how little of its archive that took."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import pytest
import xarray as xr

import geodes_datalab as gd
from geodes_datalab import _display, auth, cubes, errors
from geodes_datalab.stac import Items
from geodes_datalab.standin import StandIn

FIELD = (-67.65, -47.857, -67.645, -47.854)
LAND = (-67.66, -47.861, -67.626, -47.847)


@pytest.fixture
def portal(geodes_factory: Callable[..., StandIn], monkeypatch: pytest.MonkeyPatch) -> StandIn:
    portal = geodes_factory()
    monkeypatch.setenv("GEODES_PORTAL", portal.url)
    monkeypatch.setenv("GEODES_BACKOFF", "0")
    monkeypatch.setenv("GEODES_API_KEY", portal.api_key)
    auth.use(None)
    return portal


@pytest.fixture
def items(portal: StandIn) -> Items:
    return gd.search("PEPS_S2_L1C", bbox=LAND, limit=2)


def test_the_pixels_are_those_of_the_downloaded_product(items: Items, tmp_path: Path) -> None:
    window = gd.subset(items[0], ["red", "nir"], FIELD, raw=True)
    gd.download(items[0], tmp_path)
    local = gd.load(items[:1], ["red", "nir"], bbox=FIELD, archives=tmp_path, raw=True)
    assert window["red"].dims == ("y", "x")
    assert window["red"].chunks is None
    xr.testing.assert_equal(window, local.isel(time=0))
    assert window["red"].any()


def test_it_tells_how_little_was_read(items: Items, portal: StandIn) -> None:
    window = items[0].read("red", FIELD, raw=True)
    sent = portal.requests.to("/api/download/")
    told = window.attrs
    assert told["requests"] == len(sent)
    assert told["bytes_of_product"] == items.dicts[0]["assets"]["data"]["file:size"]
    assert 0 < told["bytes_received"] < told["bytes_of_product"]
    size = _display.size
    expected = f"{size(told['bytes_received'])} of {size(told['bytes_of_product'])} read, in {len(sent)} requests"
    assert told["received"] == expected
    assert expected in window._repr_html_()


def test_a_line_is_shown_to_those_who_look_on(
    items: Items, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gd.subset(items[0], "red", FIELD, raw=True)
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(_display, "interactive", lambda: True)
    window = gd.subset(items[0], "red", FIELD, raw=True)
    name = items.dicts[0]["properties"]["identifier"]
    assert capsys.readouterr().out == f"{name}: {window.attrs['received']}\n"


def test_what_was_downloaded_is_not_fetched_again(items: Items, tmp_path: Path) -> None:
    gd.download(items[0], tmp_path)
    window = gd.subset(items[0], "red", FIELD, archives=tmp_path, raw=True)
    assert window.attrs["received"] == "no part of it was fetched by ranges"
    assert window.attrs["bytes_received"] == 0


def test_it_can_be_saved(items: Items, tmp_path: Path) -> None:
    window = items[0].read(["red", "nir"], FIELD)
    window.to_netcdf(tmp_path / "field.nc")
    with xr.open_dataset(tmp_path / "field.nc", decode_coords="all") as back:
        xr.testing.assert_equal(back, window)
        assert back.attrs["bytes_received"] == window.attrs["bytes_received"]
    assert window["red"].dtype == np.float32


def test_coarse_and_whole(items: Items) -> None:
    whole = items[0].read("red", resolution=40, raw=True)
    fine = items[0].read("red", raw=True)
    assert abs(fine.sizes["x"] / whole.sizes["x"] - 4) < 0.1


def test_a_server_without_ranges_gives_the_whole_and_the_same(
    items: Items, portal: StandIn
) -> None:
    by_ranges = gd.subset(items[0], "red", FIELD, raw=True)
    portal.settings.ranges = "off"
    with pytest.warns(errors.ServerQuirk, match="whole archives are downloaded"):
        whole = gd.subset(items[1], "red", FIELD, raw=True)
    assert whole.attrs["received"] == "no part of it was fetched by ranges"
    assert whole.sizes == by_ranges.sizes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("B99", FIELD), "B99"),
        (("red", (2.0, 48.0, 2.1, 48.1)), "the products lie within bbox"),
        (("red", (-47.857, -67.65, -47.854, -67.645)), "look swapped"),
        (("red", (1, 2, 3)), "four numbers"),
    ],
)
def test_nonsense_is_refused_before_a_pixel_is_read(
    items: Items, arguments: Any, message: str
) -> None:
    with pytest.raises(errors.CubeError, match=message):
        items[0].read(*arguments, raw=True)


def test_one_product_at_a_time(items: Items) -> None:
    with pytest.raises(errors.CubeError, match="reads one product, and 2 were given") as caught:
        gd.subset(items, "red", FIELD, raw=True)
    assert "geodes_datalab.load()" in str(caught.value)


def test_more_pixels_than_memory_are_refused(items: Items, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geodes_datalab.cubes.subsets.LIMIT", 1000)
    with pytest.raises(errors.CubeError, match="of pixels in memory"):
        items[0].read("red", raw=True)


def test_an_item_stays_a_pystac_item(items: Items) -> None:
    assert isinstance(items[0], pystac.Item)
    assert items[0].clone().id == items[0].id
    assert pickle.loads(pickle.dumps(items[0])).id == items[0].id
    assert isinstance(items.to_pystac().items[0], pystac.Item)
    assert cubes.subset is gd.subset

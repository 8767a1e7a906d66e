"""`load(archives=)` finds what `download` wrote, nothing else, and tells what it does not find."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

import geodes_datalab as gd
from geodes_datalab import config, errors
from geodes_datalab.cubes import load
from geodes_datalab.stac.downloads import digests

ENGINES = ("odc", "stackstac")
WAYS = [{"engine": "odc"}, {"engine": "stackstac"}, {"threads": 2}]
PATAGONIA = (-67.67, -47.87, -67.62, -47.84)
ONES, TWOS = (np.full((20, 30), value, "uint16") for value in (1, 2))


@pytest.fixture
def served(shelf: Any, site: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two items whose files have the same names, and the site that has them."""
    items, files = [], {}
    for name, pixels in (("item-a", ONES), ("item-b", TWOS)):
        item = shelf.item(name, start=f"2024-03-0{pixels[0, 0]}T10:00:00Z", size=pixels.shape,
                          bands={"B04": pixels, "B08": pixels + 10})  # fmt: skip
        for band, asset in item["assets"].items():
            content = Path(asset["href"]).read_bytes()
            files[f"{name}/{band}.tif"] = content
            asset |= {"file:size": len(content), "roles": ["reflectance"]}
        items.append(item)
    server = site(files)
    monkeypatch.setenv("GEODES_PORTAL", server.url)
    for item in items:
        for band, asset in item["assets"].items():
            asset["href"] = f"{server.url}/{item['id']}/{band}.tif"
    server.items = items
    return server


def values(cube: Any, band: str = "B04") -> list[int]:
    return [int(step.max()) for step in cube[band].values]


def quietly(*args: Any, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error", errors.GeodesWarning)
        return load(*args, raw=True, **options).compute()


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("told", ["size", "md5", "nothing"])
@pytest.mark.parametrize("title", [None, "../B04.tif", "The red band", "/B04.tif"], ids=str)
def test_what_download_wrote_is_read(
    served: Any, tmp_path: Path, way: dict[str, Any], told: str, title: str | None
) -> None:
    for item in served.items:
        asset = item["assets"]["B04"]
        if title is not None:
            asset["title"] = title
        if told == "md5":
            content = served.files[f"{item['id']}/B04.tif"]
            asset["geodes:md5"] = hashlib.md5(content).hexdigest()
        if told == "nothing":
            del asset["file:size"]
    home = tmp_path / "home"
    gd.download(served.items[1], home, assets="B04")  # alone first: B04.tif
    gd.download(served.items, home, assets="B04")
    served.seen.clear()
    assert values(quietly(served.items, "B04", archives=home, **way)) == [1, 2]
    assert values(quietly(served.items[:1], "B04", archives=home, **way)) == [1]
    assert served.seen == []


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_all_files_of_all_items(served: Any, tmp_path: Path, way: dict[str, Any]) -> None:
    for item in served.items:  # as some catalogues call them: all alike
        for asset in item["assets"].values():
            asset["title"] = "image.tif"
    home = tmp_path / "home"
    paths = gd.download(served.items, home, assets="all")
    assert len(set(paths)) == 4
    served.seen.clear()
    cube = quietly(served.items, archives=home, **way)
    assert (values(cube), values(cube, "B08")) == ([1, 2], [11, 12])
    assert served.seen == []


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_anothers_file_of_the_same_name_and_size_is_not_taken(
    served: Any, tmp_path: Path, way: dict[str, Any]
) -> None:
    home = tmp_path / "home"
    one, two = (item["assets"]["B04"] for item in served.items)
    two["file:size"] = one["file:size"]
    gd.download(served.items[0], home, assets="B04")
    with pytest.warns(errors.CubeWarning, match="holds none of the products"):
        cube = load(served.items[1], "B04", archives=home, raw=True, **way)
    assert values(cube) == [2]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_the_folder_that_holds_some_is_told_with_how_many(
    served: Any, tmp_path: Path, way: dict[str, Any]
) -> None:
    home = tmp_path / "home"
    gd.download(served.items[0], home, assets="B04")
    with pytest.warns(errors.CubeWarning, match="1 of 2 files") as caught:
        cube = load(served.items, "B04", archives=home, raw=True, **way)
    assert values(cube) == [1, 2]
    (told,) = [one for one in caught if one.category is errors.CubeWarning]
    assert str(home) in str(told.message)
    assert told.filename == __file__


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_a_file_of_another_size_is_not_taken_and_told(
    served: Any, tmp_path: Path, way: dict[str, Any], on_error: Any
) -> None:
    home = tmp_path / "home"
    (path,) = gd.download(served.items[0], home, assets="B04")
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.warns(errors.CubeWarning, match=r"of another size.*B04\.tif"):
        cube = load(served.items[0], "B04", archives=home, raw=True, on_error=on_error, **way)
    assert values(cube) == [1]
    assert served.seen


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("how", ["title", "absolute", "link", "folder"])
def test_nothing_outside_of_the_folder_is_read(
    served: Any, tmp_path: Path, engine: Any, how: str
) -> None:
    home, outside = tmp_path / "home", tmp_path / "outside"
    home.mkdir()
    outside.mkdir()
    secret = outside / "B04.tif"
    with rasterio.open(tmp_path / "item-a_B04.tif") as file:
        profile, pixels = file.profile, file.read()
    with rasterio.open(secret, "w", **profile) as file:
        file.write(pixels * 0 + 99)
    item = served.items[0]
    asset = item["assets"]["B04"]
    del asset["file:size"]
    if how in ("title", "absolute"):
        asset["title"] = "../outside/B04.tif" if how == "title" else str(secret)
    elif how == "link":
        (home / "B04.tif").symlink_to(secret)
    else:
        (home / "item-a").symlink_to(outside)
    with pytest.warns(errors.CubeWarning, match="none of the products"):
        cube = load(item, "B04", archives=home, raw=True, engine=engine)
    assert values(cube) == [1]


def test_a_failing_server_is_told_beside_what_the_folder_lacks(served: Any, tmp_path: Path) -> None:
    """The error alone would not say that the folder was the wrong one."""
    served.files.clear()
    for item in served.items:
        for name in [name for name in item["properties"] if name.startswith("proj:")]:
            del item["properties"][name]
    with (
        pytest.warns(errors.CubeWarning, match="none of the products"),
        pytest.raises(errors.GeodesError),
    ):
        load(served.items, "B04", archives=tmp_path)


# archives


@pytest.fixture
def products(portal: Any) -> Any:
    return gd.search("PEPS_S2_L1C", bbox=PATAGONIA, datetime="../2022-03")[:2].dicts


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize(
    "title", [None, "product.zip", "A product.zip", "../../product.zip"], ids=str
)
def test_archives_that_download_wrote_are_read(
    portal: Any, products: Any, tmp_path: Path, way: dict[str, Any], title: str | None
) -> None:
    for item in products:
        if title is not None:
            item["assets"]["data"]["title"] = title
    expected = load(products, "red", raw=True).compute()
    gd.download(products, tmp_path)
    before = len(portal.requests.to("/download"))
    found = quietly(products, "red", archives=tmp_path, **way)
    np.testing.assert_array_equal(found["red"].values, expected["red"].values)
    assert len(portal.requests.to("/download")) == before


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_some_archives_are_told(
    portal: Any, products: Any, tmp_path: Path, way: dict[str, Any]
) -> None:
    gd.download(products[:1], tmp_path)
    with pytest.warns(errors.CubeWarning, match="1 of 2 files"):
        load(products, "red", archives=tmp_path, **way)
    with pytest.warns(errors.CubeWarning, match="1 of 2 files"):
        load(products, ["red", "nir"], archives=tmp_path, **way)


def test_whole_archives_in_the_cache_are_compared_and_fetched_anew(
    portal: Any, products: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "_known", {})
    portal.settings.ranges = "off"
    with pytest.warns(errors.ServerQuirk, match="whole archives"):
        expected = load(products[:1], "red", raw=True).compute()
    (path,) = Path(config.load().cache_dir).rglob("archives/*/*")
    content = path.read_bytes()
    count = len(portal.requests.to("/download"))
    load(products[:1], "red", raw=True).compute()
    assert len(portal.requests.to("/download")) == count
    damaged = bytearray(content)
    damaged[len(content) // 2] ^= 255
    path.write_bytes(damaged)
    with pytest.warns(errors.ServerQuirk, match="whole archives"):
        again = load(products[:1], "red", raw=True).compute()
    assert path.read_bytes() == content
    np.testing.assert_array_equal(again["red"].values, expected["red"].values)


def test_a_digest_that_is_a_path_does_not_lead_out_of_the_cache(
    portal: Any, products: Any, tmp_path: Path
) -> None:
    portal.settings.ranges = "off"
    asset = products[0]["assets"]["data"]
    asset.pop("file:checksum", None)
    asset["geodes:md5"] = "../../../../outside"
    with pytest.warns(errors.ServerQuirk), pytest.raises(errors.GeodesError):
        load(products[:1], "red", raw=True)
    cache = Path(config.load().cache_dir)
    assert not list(cache.parent.parent.rglob("*outside*"))
    assert not list(tmp_path.iterdir())

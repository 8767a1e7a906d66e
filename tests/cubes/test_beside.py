"""Files of items with relative addresses: beside the item, never beside the notebook."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import pytest
import rasterio

import geodes_datalab as gd
from geodes_datalab import cubes, stac
from geodes_datalab.errors import AddressError, DataError
from geodes_datalab.stac.items.addresses import beside, is_relative

RIGHT, WRONG = 7, 9

load = partial(cubes.load, raw=True)
"""Stored numbers are compared with stored numbers."""


@pytest.fixture
def product(shelf: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """An item whose file lies beside it; a file of the same name lies beside the notebook."""
    item = shelf.item("right", bands={"B04": np.full((200, 300), RIGHT, "uint16")})
    wrong = shelf.item("wrong", bands={"B04": np.full((200, 300), WRONG, "uint16")})
    home, notebook = tmp_path / "products" / "one", tmp_path / "notebook"
    home.mkdir(parents=True)
    notebook.mkdir()
    Path(item["assets"]["B04"]["href"]).rename(home / "B04.tif")
    Path(wrong["assets"]["B04"]["href"]).rename(notebook / "B04.tif")
    monkeypatch.chdir(notebook)
    item["assets"]["B04"]["href"] = "./B04.tif"
    (home / "item.json").write_text(json.dumps(item))
    return item


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "products" / "one"


def linked(item: dict[str, Any], href: str) -> dict[str, Any]:
    return {**item, "links": [{"rel": "self", "href": href}]}


def together(item: dict[str, Any], home: Path) -> Path:
    path = home / "items.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [item]}))
    return path


FORMS: dict[str, Callable[[dict[str, Any], Path], Any]] = {
    "path": lambda _, home: home / "item.json",
    "text of the path": lambda _, home: str(home / "item.json"),
    "relative path": lambda _, home: Path("../products/one/item.json"),
    "pystac from the file": lambda _, home: pystac.Item.from_file(str(home / "item.json")),
    "self link": lambda item, home: linked(item, str(home / "item.json")),
    "self link as an address": lambda item, home: linked(item, (home / "item.json").as_uri()),
    "search of ours": lambda item, home: stac.Items([linked(item, str(home / "item.json"))]),
    "FeatureCollection": lambda item, home: {
        "type": "FeatureCollection", "features": [linked(item, str(home / "item.json"))]
    },
    "collection in a file": together,
    "one of pystac with a link": lambda item, home: pystac.Item.from_dict(
        linked(item, str(home / "item.json"))
    ),
    "parent": lambda item, home: linked(
        {**item, "assets": {"B04": {**item["assets"]["B04"], "href": "../one/B04.tif"}}},
        str(home / "item.json"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_the_file_beside_the_item_is_read(product: dict[str, Any], home: Path, form: str) -> None:
    cube = load(FORMS[form](product, home), "B04")
    with rasterio.open(home / "B04.tif") as file:
        np.testing.assert_array_equal(cube["B04"].values[0], file.read(1))
    assert cube["B04"].values.max() == RIGHT


def test_a_catalogue_on_disk_is_read_beside_its_items(product: dict[str, Any], home: Path) -> None:
    catalog = pystac.Catalog("shelf", "products")
    catalog.add_item(pystac.Item.from_file(str(home / "item.json")))
    catalog.normalize_hrefs(str(home))
    catalog.make_all_asset_hrefs_absolute()
    catalog.save(pystac.CatalogType.SELF_CONTAINED)
    for form in (home / "catalog.json", pystac.Catalog.from_file(str(home / "catalog.json"))):
        assert load(form, "B04")["B04"].values.max() == RIGHT


@pytest.mark.parametrize("link", [None, "./item.json", "item.json", ""])
@pytest.mark.parametrize("engine", ["odc", "stackstac"])
def test_where_the_place_is_not_known_nothing_is_guessed(
    product: dict[str, Any], link: str | None, engine: str
) -> None:
    item = product if link is None else linked(product, link)
    for form in (item, [item], stac.Items([item]), pystac.Item.from_dict(item)):
        with pytest.raises(AddressError, match=r"it is not known where \./B04\.tif lies") as caught:
            load(form, "B04", engine=engine)
        assert "pystac.Item.from_file" in str(caught.value)
    with pytest.raises(AddressError, match="it is not known where"):
        gd.download(item, assets="B04")


def test_only_the_files_that_are_read_must_be_known(product: dict[str, Any], home: Path) -> None:
    picture = {"href": "preview.jpg", "type": "image/jpeg", "roles": ["thumbnail"]}
    known = {**product["assets"]["B04"], "href": str(home / "B04.tif")}
    item = {**product, "assets": {"B04": known, "preview": picture}}
    assert load(item, "B04")["B04"].values.max() == RIGHT


def test_files_on_a_server_are_asked_for_beside_the_item(
    product: dict[str, Any], home: Path, site: Callable[..., Any]
) -> None:
    server = site({"shelf/one/B04.tif": (home / "B04.tif").read_bytes()})
    item = linked(product, f"{server.url}/shelf/one/item.json")
    assert load(item, "B04")["B04"].values.max() == RIGHT
    assert {seen["path"] for seen in server.seen} == {"/shelf/one/B04.tif"}
    (path,) = gd.download(item, "got", assets="B04")
    assert path.read_bytes() == (home / "B04.tif").read_bytes()


def test_a_copy_of_an_item_is_read_from_where_its_files_are(
    product: dict[str, Any], home: Path, tmp_path: Path, site: Callable[..., Any]
) -> None:
    """The item's file was copied, its data were not: they are where its self link says."""
    server = site({"shelf/one/B04.tif": (home / "B04.tif").read_bytes()})
    copy = tmp_path / "copy.json"
    copy.write_text(json.dumps(linked(product, f"{server.url}/shelf/one/item.json")))
    assert load(copy, "B04")["B04"].values.max() == RIGHT


def test_folders_of_downloads_are_looked_into_first(product: dict[str, Any], home: Path) -> None:
    product["assets"]["B04"] |= {"href": "s3://eodata/one/B04.tif", "title": "B04.tif"}
    assert load(product, "B04", archives=home)["B04"].values.max() == RIGHT


@pytest.mark.parametrize(
    ("href", "words"),
    [
        ("s3://eodata/a/B04.tif", ["object store", '"eodata"', "access"]),
        ("S3://eodata/a/B04.tif", ["object store", '"eodata"', "access"]),
        ("gs://bucket/a/B04.tif", ["Google Cloud Storage", '"bucket"', "access"]),
        ("abfs://box@account/a.tif", ["Azure", "access"]),
        ("ftp://a.example/B04.tif", ["addresses of the kind ftp: are not supported"]),
        ("urn:nowhere:B04", ["addresses of the kind urn: are not supported"]),
        ("s3://eodata/P.zip", ["object store", '"eodata"', "access"]),
    ],
)
@pytest.mark.parametrize("engine", ["odc", "stackstac"])
def test_stores_that_are_not_read_are_told_and_not_the_network(
    product: dict[str, Any], href: str, words: list[str], engine: str
) -> None:
    product["assets"]["B04"]["href"] = href
    for read in (
        lambda: load(product, "B04", engine=engine).compute(),
        lambda: gd.download(product, assets="B04"),
    ):
        with pytest.raises(AddressError) as caught:
            read()
        text = str(caught.value)
        assert all(word in text for word in words), text
        assert "archives=" in text or "http(s)" in text
        assert "cannot be reached" not in text
        assert "proxy" not in text


def test_another_address_of_the_item_is_named(product: dict[str, Any]) -> None:
    asset = product["assets"]["B04"]
    asset |= {
        "href": "s3://eodata/a/B04.tif",
        "alternate": {"https": {"href": "https://data.example/a/B04.tif"}},
    }
    with pytest.raises(AddressError, match=r"https://data\.example/a/B04\.tif"):
        load(product, "B04")


def test_a_file_of_this_machine_is_not_downloaded(product: dict[str, Any], home: Path) -> None:
    with pytest.raises(AddressError, match="there is nothing to download"):
        gd.download(linked(product, str(home / "item.json")), assets="B04")


@pytest.mark.parametrize(
    ("href", "place", "found"),
    [
        ("./a.tif", "https://x.example/s/i.json", "https://x.example/s/a.tif"),
        ("../a.tif?sig=1", "https://x.example/s/t/i.json", "https://x.example/s/a.tif?sig=1"),
        (
            "a.tif",
            "https://x.example/collections/c/items/i",
            "https://x.example/collections/c/items/a.tif",
        ),
        ("a.tif", "s3://bucket/s/i.json", "s3://bucket/s/a.tif"),
        ("../a.tif", "s3://bucket/s/i.json", "s3://bucket/a.tif"),
        ("a.tif", "/data/s/i.json", "/data/s/a.tif"),
        ("../a.tif", "file:///data/a%20b/i.json", "/data/a.tif"),
        ("/data/a.tif", "https://x.example/s/i.json", "https://x.example/data/a.tif"),
        ("https://y.example/a.tif", "/data/s/i.json", "https://y.example/a.tif"),
        ("a.tif", "i.json", "a.tif"),
        ("a.tif", None, "a.tif"),
    ],
)
def test_addresses_are_completed_as_browsers_do(href: str, place: str | None, found: str) -> None:
    assets = {"a": {"href": href}}
    assert beside(assets, [place])["a"]["href"] == found
    assert assets == {"a": {"href": href}}
    assert is_relative(href) == (not href.startswith(("/", "http")))


@pytest.mark.parametrize(
    "href", ["file:B04.tif", "FILE:./B04.tif", ".\\B04.tif", "..\\one\\B04.tif"]
)
@pytest.mark.parametrize("form", ["path", "self link", "self link as an address"])
def test_whatever_way_it_is_written_it_is_beside(
    product: dict[str, Any], home: Path, form: str, href: str
) -> None:
    product["assets"]["B04"]["href"] = href
    (home / "item.json").write_text(json.dumps(product))
    assert load(FORMS[form](product, home), "B04")["B04"].values.max() == RIGHT
    if href[:5].lower() == "file:":
        with pytest.raises(AddressError, match="it is not known where"):
            load(product, "B04")


@pytest.mark.parametrize(
    "href", ["C:\\data\\B04.tif", "d:/data/B04.tif", "\\\\server\\share\\B04.tif"]
)
def test_paths_of_windows_are_told_as_what_they_are(
    product: dict[str, Any], home: Path, href: str
) -> None:
    product["assets"]["B04"]["href"] = href
    (home / "item.json").write_text(json.dumps(product))
    for form in (product, home / "item.json", linked(product, "https://x.example/item.json")):
        with pytest.raises(AddressError, match="path of Windows"):
            load(form, "B04")


def test_names_that_addresses_would_cut(product: dict[str, Any], home: Path) -> None:
    """A ``#`` or a ``?`` belongs to the name of a file on disk."""
    (home / "a #1?x.tif").write_bytes((home / "B04.tif").read_bytes())
    plain = f"file://{home}/a #1?x.tif"
    for href in (plain, (home / "a #1?x.tif").as_uri(), plain.replace("//", "//localhost", 1)):
        product["assets"]["B04"]["href"] = href
        assert load(product, "B04")["B04"].values.max() == RIGHT


@pytest.mark.parametrize(
    "href", ["B 04.tif", "B%2004.tif", "/shelf/one/B 04.tif", "//{server}/shelf/one/B%2004.tif"]
)
@pytest.mark.parametrize("how", [{}, {"crs": "EPSG:32630"}, {"threads": 2}], ids=str)
def test_files_on_a_server_may_have_spaces_or_no_server(
    product: dict[str, Any], home: Path, site: Callable[..., Any], href: str, how: dict[str, Any]
) -> None:
    server = site({"shelf/one/B%2004.tif": (home / "B04.tif").read_bytes()})
    product["assets"]["B04"]["href"] = href.format(server=server.url.partition("//")[2])
    item = linked(product, f"{server.url}/shelf/one/item.json?token=a/b")
    assert load(item, "B04", **how)["B04"].values.max() == RIGHT


def test_items_may_be_given_by_their_file_address(product: dict[str, Any], home: Path) -> None:
    assert load((home / "item.json").as_uri(), "B04")["B04"].values.max() == RIGHT


def test_a_catalogue_with_a_dead_link_is_told(product: dict[str, Any], home: Path) -> None:
    links = [{"rel": "item", "href": "./gone.json"}]
    catalogue = {
        "type": "Catalog",
        "stac_version": "1.1.0",
        "id": "x",
        "description": "x",
        "links": links,
    }
    (home / "catalog.json").write_text(json.dumps(catalogue))
    for form in (home / "catalog.json", pystac.Catalog.from_file(str(home / "catalog.json"))):
        with pytest.raises(DataError, match="cannot be read to its end"):
            load(form, "B04")

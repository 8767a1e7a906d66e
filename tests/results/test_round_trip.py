"""What is published is found by place, time and properties, and loads as what it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pystac
import pytest
import rasterio
import xarray as xr
from cubes_to_publish import GRID, TERMS, TIMES, cube, walked
from odc.geo.geobox import GeoBox

import geodes_datalab as gd
from geodes_datalab import ops
from geodes_datalab.errors import InvalidQuery, PublishError, UnknownCollection


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place in which alice has published three dates."""
    folder = tmp_path_factory.mktemp("published")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTERHUB_USER", "alice")
        gd.publish(cube(), place=folder, visibility="public", **TERMS)
    return folder


def test_a_cube_loads_as_it_was_published(place: Path) -> None:
    given = cube()
    gd.publish(given, **TERMS)
    found = gd.search("greenness", catalogue=place)
    back = gd.load(found, raw=True)
    assert set(back.data_vars) == {"ndvi", "height"}
    assert back.odc.geobox == GRID
    np.testing.assert_array_equal(back.time.values, TIMES)
    np.testing.assert_array_equal(back["height"], given["height"])
    np.testing.assert_array_equal(back["ndvi"], given["ndvi"])
    assert back["height"].dtype == "int16"
    assert (back["height"].attrs["nodata"], back["height"].attrs["scale"]) == (-1, 0.5)
    meant = gd.load(found)
    truth = np.where(given["height"] == -1, np.nan, given["height"] * 0.5)
    np.testing.assert_allclose(meant["height"], truth, rtol=1e-6)
    assert (meant["height"].attrs["units"], meant["ndvi"].attrs["long_name"]) == ("m", "greenness")


def test_what_publish_returns_loads_without_a_search(place: Path) -> None:
    shown = gd.publish(cube(), **TERMS)
    np.testing.assert_array_equal(gd.load(shown.items)["ndvi"], cube()["ndvi"])


def test_pystac_reads_it_and_finds_it_right(place: Path) -> None:
    gd.publish(cube(), visibility="public", title="Greenness of fields", **TERMS)
    (collection,) = pystac.Catalog.from_file(place / "catalog.json").get_children()
    assert (collection.title, collection.license) == ("Greenness of fields", "etalab-2.0")
    assert collection.extra_fields["geodes_datalab:visibility"] == "public"
    first, last = collection.extent.temporal.intervals[0]
    assert (f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}") == ("2024-03-01", "2024-04-10")
    assert sorted(walked(place, "alice")) == [
        "greenness_20240301T105031", "greenness_20240311T105021", "greenness_20240410T105029",
    ]  # fmt: skip


def test_an_item_says_where_its_pixels_lie_and_what_they_mean(place: Path) -> None:
    gd.publish(cube(1), citation="A. Author (2024)", lineage="by hand", **TERMS)
    (item,) = walked(place, "alice").values()
    told = item["properties"]
    assert (told["proj:code"], told["proj:shape"]) == ("EPSG:32631", [24, 30])
    assert told["proj:transform"][:6] == [20, 0, 600_000, 0, -20, 4_850_000]
    assert told["proj:bbox"] == [600_000, 4_849_520, 600_600, 4_850_000]
    assert (told["sci:citation"], told["processing:lineage"]) == ("A. Author (2024)", "by hand")
    assert told["geodes_datalab:owner"] == "alice"
    (band,) = item["assets"]["height"]["bands"]
    assert band == {
        "name": "height", "data_type": "int16", "nodata": -1, "unit": "m", "raster:scale": 0.5, "raster:offset": 0.0,
    }  # fmt: skip
    assert item["assets"]["ndvi"]["bands"][0]["nodata"] == "nan"
    names = {url.split("/")[3] for url in item["stac_extensions"]}
    assert names == {"projection", "raster", "file", "processing", "scientific", "timestamps"}
    to_degrees = pyproj.Transformer.from_crs(32631, 4326, always_xy=True)
    west, north = to_degrees.transform(600_000, 4_850_000)
    assert item["bbox"][0] <= west + 1e-6
    assert abs(item["bbox"][3] - north) < 1e-4


@pytest.mark.parametrize(
    ("wish", "count"),
    [
        ({}, 3),
        ({"bbox": (4.2, 43.7, 4.3, 43.9)}, 3),
        ({"bbox": (5.2, 43.7, 5.3, 43.9)}, 0),
        ({"bbox": (170, -10, -170, 60)}, 0),
        ({"geometry": "POINT (4.245 43.795)"}, 3),
        ({"geometry": "POLYGON ((4.2 43.8, 4.3 43.8, 4.3 43.9, 4.2 43.8))"}, 0),
        ({"datetime": "2024-03"}, 2),
        ({"datetime": "2024-04/.."}, 1),
        ({"datetime": "2023"}, 0),
        ({"published": "2020"}, 0),
        ({"published": "2020/.."}, 3),
        ({"query": {"gsd": (15, 25)}}, 3),
        ({"query": {"gsd": {"lt": 15}}}, 0),
        ({"query": {"license": "etalab-2.0"}}, 3),
        ({"cloud_cover": 20}, 0),
        ({"ids": "greenness_20240311T105021"}, 1),
        ({"limit": 2, "sort": "-datetime"}, 2),
    ],
    ids=str,
)
def test_search_finds_by_place_time_and_properties(
    published: Path, wish: dict[str, Any], count: int
) -> None:
    found = gd.search("greenness", catalogue=str(published), **wish)
    assert len(found) == count
    if "sort" in wish:
        assert found.ids == ["greenness_20240410T105029", "greenness_20240311T105021"]


@pytest.mark.parametrize("root", ["", "catalog.json", "alice", "alice/catalog.json", "alice/greenness", "alice/greenness/collection.json"])  # fmt: skip
def test_any_level_of_the_folders_is_a_catalogue(published: Path, root: str) -> None:
    assert len(gd.search(catalogue=published / root)) == 3
    assert gd.collections(catalogue=published / root).ids == ["greenness"]


def test_unknown_places_and_collections_are_refused(place: Path) -> None:
    gd.publish(cube(1), **TERMS)
    with pytest.raises(UnknownCollection, match="greeness"):
        gd.search("greeness", catalogue=place)
    with pytest.raises(InvalidQuery, match="no folder"):
        gd.search("greenness", catalogue=place / "nowhere")


def test_an_array_without_dates_takes_those_of_its_inputs(place: Path) -> None:
    series = gd.publish(cube(), **TERMS)
    mean = cube()["ndvi"].mean("time").assign_attrs(units="1")
    with pytest.raises(PublishError, match="of when"):
        gd.publish(mean, collection="means", licence="CC-BY-4.0")
    shown = gd.publish(mean, collection="means", licence="CC-BY-4.0", provenance=series.items)
    (item,) = shown.items.dicts
    assert item["id"] == "means"
    assert item["properties"]["start_datetime"] == "2024-03-01T10:50:31.024Z"
    assert item["properties"]["end_datetime"] == "2024-04-10T10:50:29Z"
    assert "3 products of greenness" in item["properties"]["processing:lineage"]
    assert len(gd.search("means", catalogue=place, datetime="2024-03-20")) == 1
    np.testing.assert_allclose(gd.load(shown.items)["ndvi"][0], mean, rtol=1e-6)


def test_each_date_is_derived_from_the_inputs_of_its_day(place: Path) -> None:
    inputs = [
        {
            "type": "Feature", "stac_version": "1.1.0", "id": f"scene-{day}", "collection": "scenes", "geometry": None,
            "properties": {"datetime": f"{day}T10:50:00Z"}, "assets": {},
            "links": [{"rel": "self", "href": f"https://user:secret@geodes.example/items/{day}?token=secret"}],
        }
        for day in ("2024-03-01", "2024-03-11")
    ]  # fmt: skip
    gd.publish(cube(2), provenance=inputs, **TERMS)
    items = walked(place, "alice").values()
    found = [
        [one["href"] for one in item["links"] if one["rel"] == "derived_from"] for item in items
    ]
    assert sorted(found) == [[f"https://geodes.example/items/{day}"] for day in ("2024-03-01", "2024-03-11")]  # fmt: skip
    assert not any("secret" in path.read_text() for path in place.rglob("*.json"))


def test_saved_files_are_published_as_the_cube_they_hold(place: Path, tmp_path: Path) -> None:
    paths = gd.save(cube(), tmp_path / "{variable}_{time}.tif")
    shown = gd.publish(paths, **TERMS)
    assert len(shown.items) == 3
    np.testing.assert_array_equal(gd.load(shown.items)["ndvi"], cube()["ndvi"])


def test_geotiffs_of_other_programs_are_taken_as_they_are(place: Path, tmp_path: Path) -> None:
    path, values = tmp_path / "slope.tif", np.arange(24 * 30, dtype="int16").reshape(24, 30)
    with rasterio.open(
        path, "w", driver="GTiff", width=30, height=24, count=1, dtype="int16", nodata=0,
        crs="EPSG:32631", transform=GRID.transform,
    ) as file:  # fmt: skip
        file.write(values, 1)
    shown = gd.publish(path, datetime="2024-05-03", **TERMS)
    (item,) = walked(place, "alice").values()
    (copy,) = place.rglob("slope.tif")
    assert copy.read_bytes() == path.read_bytes()
    assert item["assets"]["slope"]["type"] == "image/tiff; application=geotiff"
    np.testing.assert_array_equal(gd.load(shown.items, raw=True)["slope"][0], values)


def test_masks_and_classes_stay_whole_numbers(place: Path) -> None:
    classes = cube(1)[["height"]].rename(height="land")
    classes["land"] = (classes["land"] % 3).astype("uint8").assign_attrs(
        flag_values=np.array([0, 1, 2], "uint8"), flag_meanings="water crop forest"
    )  # fmt: skip
    shown = gd.publish(classes, **TERMS)
    told = shown.items.dicts[0]["assets"]["land"]["bands"][0]["classification:classes"]
    assert told[2] == {"value": 2, "name": "forest"}
    back = gd.load(shown.items)
    assert back["land"].dtype == "uint8"
    np.testing.assert_array_equal(back["land"], classes["land"])


def test_a_dry_run_shows_the_items_and_writes_nothing(place: Path) -> None:
    def never(_: np.ndarray) -> np.ndarray:
        raise AssertionError("computed")

    lazy = cube().chunk(time=1)
    lazy["ndvi"] = lazy["ndvi"].copy(data=lazy["ndvi"].data.map_blocks(never, dtype="float32"))
    shown = gd.publish(lazy, dry_run=True, title="<b>bold</b>", **TERMS)
    assert not place.exists()
    assert shown.outcome == dict.fromkeys(shown.items.ids, "new")
    page = shown._repr_html_()
    assert "proj:code" in page
    assert "<b>bold" not in page
    assert "nothing was written" in repr(shown)


def test_what_lies_nowhere_is_refused(place: Path) -> None:
    lost = cube(1).drop_vars("spatial_ref").assign_coords(
        {side: cube(1)[side].values for side in ("y", "x")}
    )  # fmt: skip
    with pytest.raises(PublishError, match="no CRS"):
        gd.publish(lost, **TERMS)
    assert not list(place.rglob("*.json"))


def test_results_across_the_antimeridian_are_found_on_both_sides(place: Path) -> None:
    grid = GeoBox.from_bbox((716_000, 5_000_000, 756_000, 5_020_000), "EPSG:32660", shape=(24, 30))
    gd.publish(cube(1, grid=grid), **TERMS)
    for box, count in (((179, 44, 180, 46), 1), ((-180, 44, -179, 46), 1), ((0, 44, 10, 46), 0)):
        assert len(gd.search("greenness", catalogue=place, bbox=box)) == count


def test_tables_and_files_say_the_same(place: Path) -> None:
    gd.publish(cube(), **TERMS)
    items = walked(place, "alice")
    for found in gd.search("greenness", catalogue=place).dicts:
        written = items[found["id"]]
        own = ("identifier", "proj:centroid")
        told = {name: one for name, one in found["properties"].items() if name not in own}
        assert told == written["properties"]
        assert found["bbox"] == pytest.approx(written["bbox"])
        assert json.loads(json.dumps(found["geometry"])) == written["geometry"]
        assert found["assets"].keys() == written["assets"].keys()


def test_raw_cubes_keep_the_offset_of_each_date(place: Path) -> None:
    raw = cube(2)[["height"]]
    raw["height"].attrs["offset"] = "stored_offset"
    raw = raw.assign_coords(stored_offset=("time", [0.0, -100.0]))
    shown = gd.publish(raw, **TERMS)
    xr.testing.assert_allclose(
        gd.load(shown.items)["height"].drop_vars("spatial_ref"),
        ops.to_physical(raw)["height"].drop_vars("spatial_ref"),
    )

"""Which items of several catalogues are one product: a labelled set of names, and items as catalogues serve them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from geodes_datalab.stac.federation.identity import identity, named
from geodes_datalab.stac.federation.merge import ALTERNATES, SOURCE, VERSIONS, merged
from geodes_datalab.stac.items.normalise import normalise

TILES = ("31TCJ", "31TCH", "30TYN", "33UWP", "28QCH", "19GFG")
DAYS = ("20220101", "20220618", "20230403", "20240229")


def labelled() -> list[tuple[str, str, str]]:
    """Return names as catalogues write them: name, label of the product, label of the acquisition.

    The labels are written by hand here, rule by rule; no pattern of the package is used.
    """
    names = []
    for tile, day in itertools.product(TILES, DAYS):
        for level in ("L1C", "L2A"):
            stem, ending = f"S2B_MSI{level}_{day}T105339", f"R051_T{tile}_{day}T130000"
            product, scene = f"{level}-{tile}-{day}-first", f"{level}-{tile}-{day}"
            names += [
                (f"{stem}_N0400_{ending}", product, scene),
                (f"{stem}_N0400_{ending}.SAFE", product, scene),
                (f"{stem}_{ending}", product, scene),  # Planetary Computer leaves the baseline out
                (
                    f"{stem}_N0510_R051_T{tile}_20250505T010203",
                    f"{level}-{tile}-{day}-again",
                    scene,
                ),
            ]
        names.append(
            (
                f"SENTINEL2B_{day}-105339-758_L2A_T{tile}_C_V3-0",
                f"maja-{tile}-{day}",
                f"maja-{tile}-{day}",
            )
        )
    for number, day in enumerate(DAYS):
        take = f"S1A_IW_GRDH_1SDV_{day}T054321_{day}T054346_03062{number}_03822{number}"
        label = f"grd-{day}"
        names += [
            (f"{take}_CA1{number}", label, label),
            (f"{take}_CA1{number}.SAFE", label, label),
            (f"{take}_BEE{number}_COG.SAFE", label, label),  # the same product, packed otherwise
            (take, label, label),  # Planetary Computer and Earth Search leave the checksum out
            (f"{take}_rtc", f"rtc-{day}", f"rtc-{day}"),
        ]
        landsat = f"LC08_L2SP_19803{number}_{day}"
        names += [
            (f"{landsat}_20240105_02_T1", f"l8-{day}", f"l8-{day}"),
            (f"{landsat}_02_T1", f"l8-{day}", f"l8-{day}"),
            (f"{landsat}_20240105_02_T1_SR", f"l8-{day}", f"l8-{day}"),
        ]
    for north in (43, 44):
        names += [
            (f"Copernicus_DSM_COG_10_N{north}_00_E001_00_DEM", f"dem-{north}", f"dem-{north}"),
            (f"Copernicus_DSM_10_N{north}_00_E001_00", f"dem-{north}", f"dem-{north}"),
            (f"Copernicus_DSM_COG_30_N{north}_00_E001_00_DEM", f"dem90-{north}", f"dem90-{north}"),
        ]
    return names


def test_recall_and_precision_on_labelled_names() -> None:
    names = labelled()
    assert len(names) >= 200
    found = [named(name) for name, _, _ in names]
    assert all(found)
    right = wrong = missed = 0
    for (one, first), (other, second) in itertools.combinations(enumerate(found), 2):
        same = names[one][1] == names[other][1]
        told = first.is_same_product(second)
        right += same and told
        wrong += told and not same
        missed += same and not told
    assert right / (right + missed) >= 0.99  # recall
    assert right / (right + wrong) >= 0.99  # precision


def test_acquisitions_on_labelled_names() -> None:
    names = labelled()
    for (name, _, scene), (other, _, second) in itertools.combinations(names, 2):
        assert (named(name).scene == named(other).scene) is (scene == second), (name, other)


@pytest.mark.parametrize(
    "name", ["", "whatever", "S2A_OPER_PRD", "20200714_112121_ssc4", "S1A_IW_GRDH"]
)
def test_what_no_rule_knows_is_nothing_else(name: str) -> None:
    assert named(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "cdse-s2-l2a",
        "pc-s2-l2a",
        "earth-search-s2-l2a",
        "earth-search-v0-s2-cogs",
        "usgs-landsat-sr",
        "pc-landsat-c2-l2",
    ],
)
def test_recorded_items_of_other_catalogues_have_an_identity(name: str) -> None:
    path = Path(__file__).parents[1] / "cubes" / "data" / f"{name}.json"
    raw = json.loads(path.read_text("utf-8"))
    assert identity(raw) is not None
    assert identity(raw) == identity(normalise(raw))


def item(
    name: str, *, strip: str = "", clouds: float = 10.0, kind: str = "image/tiff", **more
) -> dict:
    properties = {"datetime": "2022-01-01T10:53:39Z", "eo:cloud_cover": clouds, **more}
    if strip:
        properties["s2:datastrip_id"] = f"S2B_OPER_MSI_L2A_DS_VGS1_20220101T130000_S{strip}_N04.00"
    return {
        "id": name,
        "collection": "c",
        "properties": properties,
        "assets": {"data": {"href": name, "type": kind}},
    }


FULL = "S2B_MSIL2A_20220101T105339_N0400_R051_T31TCJ_20220101T130000"
SHORT = "S2B_MSIL2A_20220101T105339_R051_T31TCJ_20220101T130000"
AGAIN = "S2B_MSIL2A_20220101T105339_N0510_R051_T31TCJ_20240505T010203"
OTHER_PART = "S2B_MSIL2A_20220101T105339_N0400_R051_T31TCJ_20220101T130512"


def test_a_scene_that_four_catalogues_hold_appears_once_with_its_copies() -> None:
    search = item("S2B_31TCJ_20220101_0_L2A", **{"s2:product_uri": f"{FULL}.SAFE"})
    found = merged([
        ("geodes", [item(FULL, kind="application/zip", clouds=12.0)]),
        ("cdse", [item(f"{FULL}.SAFE")]), ("pc", [item(SHORT)]), ("earth-search", [search]),
    ])  # fmt: skip
    (one,) = found
    assert one["properties"][SOURCE] == "cdse"  # the first of which windows are read
    assert [copy["source"] for copy in one[ALTERNATES]] == ["pc", "earth-search", "geodes"]
    assert one[ALTERNATES][2]["properties"] == {"eo:cloud_cover": 12.0}
    assert VERSIONS not in one


def test_two_parts_of_a_tile_stay_two() -> None:
    found = merged([
        ("cdse", [item(FULL, strip="20220101T105335"), item(OTHER_PART, strip="20220101T105501")]),
        ("pc", [item(SHORT, strip="20220101T105335")]),
    ])  # fmt: skip
    assert [one["id"] for one in found] == [FULL, OTHER_PART]
    assert [copy["source"] for copy in found[0][ALTERNATES]] == ["pc"]
    assert all(VERSIONS not in one for one in found)


def test_of_what_was_made_again_the_newest_is_shown_and_the_older_kept() -> None:
    found = merged([("geodes", [item(FULL)]), ("cdse", [item(AGAIN), item(FULL)])])
    (one,) = found
    assert one["id"] == AGAIN
    assert [(copy["source"], copy["id"]) for copy in one[VERSIONS]] == [
        ("geodes", FULL),
        ("cdse", FULL),
    ]


def test_duplicates_and_unknown_names_of_one_catalogue_stay() -> None:
    found = merged([("a", [item("x"), item("x")]), ("b", [item("x")])])
    assert len(found) == 3


def test_items_are_not_changed() -> None:
    one = item(FULL)
    before = json.dumps(one)
    merged([("a", [one]), ("b", [item(SHORT)])])
    assert json.dumps(one) == before

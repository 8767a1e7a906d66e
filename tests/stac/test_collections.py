from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from geodes_datalab import stac
from geodes_datalab.errors import UnknownCollection
from geodes_datalab.stac import Collections
from geodes_datalab.stac.readers import readers
from geodes_datalab.stac.shipped import RENAMED, shipped_ids, unknown
from geodes_datalab.standin import StandIn


def test_all_public_collections_are_shipped() -> None:
    found = stac.collections()
    assert len(found) == 66
    assert len(set(found.ids)) == 66
    assert all(one.title and one.description for one in found)
    assert found["PEPS_S2_L1C"].start == "2015-07-04"
    assert found["FLATSIM_INTERFEROGRAM"].start is None  # the portal tells none


def test_every_reader_belongs_to_a_collection() -> None:
    described = {name: one for name, one in readers().items() if one.where == "GEODES"}
    assert set(described) == set(shipped_ids())
    for one in stac.collections():
        assert one.verbs == described[one.id].verbs
        assert one.status == described[one.id].status
        assert one.readable is ("load" in one.verbs)
    assert stac.collections()["PEPS_S1_L1"].verbs == ("open",)  # in radar geometry
    assert stac.collections()["PEPS_S1_L2"].verbs == ("open", "load")  # along the path


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("sentinel-2 l1c", "PEPS_S2_L1C"),
        ("Sentinel2 L1C", "PEPS_S2_L1C"),
        ("PEPS_S1_L1", "PEPS_S1_L1"),
        ("waterqual", "THEIA_WATERQUAL_SENTINEL2_L2B"),
        ("vegetation lai", "THEIA_POSTEL_VEGETATION_LAI"),
        ("interferogram", "FLATSIM_INTERFEROGRAM"),
        ("oso raster", "THEIA_OSO_RASTER_L3B"),
    ],
)
def test_words_find_collections_best_first(text: str, first: str) -> None:
    assert stac.collections(text)[0].id == first


def test_words_are_found_in_descriptions_too() -> None:
    assert len(stac.collections("snow")) == 5
    assert all("snow" in one.description.lower() for one in stac.collections("snow"))


def test_all_words_must_be_found() -> None:
    assert len(stac.collections("sentinel-2 interferogram")) == 0
    assert len(stac.collections("nosuchword")) == 0


def test_collections_show_themselves() -> None:
    found = stac.collections("sentinel-2 l2a")
    assert "THEIA_REFLECTANCE_SENTINEL2_L2A: THEIA SENTINEL2 L2A" in repr(found)
    page = found._repr_html_()
    assert "<table>" in page
    assert "THEIA_REFLECTANCE_SENTINEL2_L2A" in page
    assert isinstance(found[:1], Collections)
    with pytest.raises(UnknownCollection, match="did you mean"):
        found["THEIA_REFLECTANCE_SENTINEL2"]


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_renamed_collections_name_their_new_id(old: str, new: str) -> None:
    assert f'use "{new}"' in str(unknown(old.lower(), ()))


def test_other_old_ids_are_explained() -> None:
    error = unknown("MUSCATE_OSO_RASTER_L3B-OSO", shipped_ids())
    assert "renamed its MUSCATE collections" in str(error)
    assert "THEIA_OSO_RASTER_L3B" in str(error)


@pytest.mark.parametrize(
    ("profile", "dialect", "collection"),
    [("legacy", "geodes", "PEPS_S2_L1C"), ("nextgen", "stac", "peps-s2-l1c")],
)
def test_a_catalogue_tells_its_own_collections(
    served: Callable[..., StandIn],
    monkeypatch: pytest.MonkeyPatch,
    profile: str,
    dialect: str,
    collection: str,
) -> None:
    portal = served(profile=profile)
    monkeypatch.setenv("GEODES_DIALECT", dialect)
    catalogue: Any = "geodes" if dialect == "geodes" else portal.stac_url
    found = stac.collections(catalogue=catalogue)
    assert collection in found.ids
    assert found[collection].readable
    assert portal.requests.to("/collections")

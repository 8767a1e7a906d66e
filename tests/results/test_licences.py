"""A licence is needed, and one that the inputs allow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cubes_to_publish import cube

import geodes_datalab as gd
from geodes_datalab.errors import LicenceRefused


def made_of(collection: str = "scenes", **properties: Any) -> dict[str, Any]:
    """Return an item as a catalogue sends it."""
    return {
        "type": "Feature", "stac_version": "1.1.0", "id": f"of {collection}", "collection": collection,
        "geometry": None, "properties": {"datetime": "2024-03-01T10:50:00Z", **properties}, "assets": {},
        "links": [],
    }  # fmt: skip


def publish(licence: str | None, *inputs: dict[str, Any], visibility: str = "public") -> Any:
    return gd.publish(
        cube(1), collection="results", licence=licence, provenance=list(inputs) or None,
        visibility=visibility, dry_run=True,
    )  # fmt: skip


@pytest.mark.parametrize("licence", [None, "", "free", "CC-BY", "EULA", 4])
def test_none_or_an_unknown_one_is_refused(place: Path, licence: Any) -> None:
    with pytest.raises(LicenceRefused):
        publish(licence)
    assert not place.exists()


def test_names_are_written_as_spdx_writes_them(place: Path) -> None:
    assert publish("cc-by-4.0").collection["license"] == "CC-BY-4.0"
    assert publish("Etalab-2.0").collection["license"] == "etalab-2.0"


@pytest.mark.parametrize(
    ("told", "licence", "reason"),
    [
        ("CC-BY-NC-4.0", "etalab-2.0", "non-commercial"),
        ("cc-by-nc-4.0", "CC-BY-SA-4.0", "non-commercial"),
        ("CC-BY-NC-SA-4.0", "CC-BY-NC-4.0", "same licence"),
        ("CC-BY-SA-4.0", "CC-BY-4.0", "same licence"),
        ("ODbL-1.0", "CC-BY-4.0", "same licence"),
        ("CC-BY-ND-4.0", "CC-BY-ND-4.0", "may not be passed on"),
        ("proprietary", "etalab-2.0", "without the producer's consent"),
    ],
)
def test_what_an_input_forbids_is_refused(
    place: Path, told: str, licence: str, reason: str
) -> None:
    with pytest.raises(LicenceRefused, match=reason):
        publish(licence, made_of(license="CC-BY-4.0"), made_of("strict", license=told))


@pytest.mark.parametrize(
    ("told", "licence", "visibility"),
    [
        ("CC-BY-NC-4.0", "CC-BY-NC-4.0", "public"),
        ("CC-BY-SA-4.0", "CC-BY-SA-4.0", "public"),
        ("CC-BY-4.0", "CC0-1.0", "public"),
        ("proprietary", "CC-BY-4.0", "private"),
        ("other", "CC-BY-4.0", "public"),
    ],
)
def test_what_the_inputs_allow_is_published(
    place: Path, told: str, licence: str, visibility: str
) -> None:
    shown = publish(licence, made_of(license=told), visibility=visibility)
    assert shown.collection["license"] == licence


def test_flatsim_is_known_to_be_non_commercial(place: Path) -> None:
    """The portal says "Apache-2.0" of all of its collections, which is the licence of its software."""
    flatsim = made_of("FLATSIM_TIMESERIE", license="Apache-2.0")
    with pytest.raises(LicenceRefused, match="FLATSIM"):
        publish("etalab-2.0", flatsim)
    assert publish("CC-BY-NC-4.0", flatsim).outcome


def test_a_private_collection_of_closed_inputs_is_not_shown_later(place: Path) -> None:
    terms: dict[str, Any] = {"collection": "results", "licence": "CC-BY-4.0", "provenance": [made_of(license="proprietary")]}  # fmt: skip
    gd.publish(cube(1), **terms)
    with pytest.raises(LicenceRefused, match="consent"):
        gd.publish(cube(1), visibility="public", replace=True, **terms)


def test_results_of_results_keep_their_conditions(place: Path) -> None:
    first = gd.publish(cube(1), collection="first", licence="CC-BY-NC-4.0")
    for items in (first.items, gd.search("first", catalogue=place)):
        with pytest.raises(LicenceRefused, match="non-commercial"):
            gd.publish(cube(1), collection="second", licence="etalab-2.0", provenance=items)

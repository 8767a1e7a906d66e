"""The stand-in, and the service of OpenSearch, judged by clients that we did not write."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opensearch_facade import facade

from geodes_datalab.config import load
from geodes_datalab.standin import StandIn

HERE = Path(__file__).parent


def run(client: str, *arguments: str, folder: Path) -> dict[str, Any]:
    """Run a client program in an empty folder that is its home too, and return what it printed."""
    done = subprocess.run(
        [sys.executable, str(HERE / client), *arguments],
        cwd=folder, env={**os.environ, "HOME": str(folder)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


@pytest.fixture
def product(geodes: StandIn) -> Any:
    return next(one for one in geodes.portal.catalogue.products if one.collection == "PEPS_S2_L1C")


def test_pygeodes_searches_and_downloads(geodes: StandIn, product: Any, tmp_path: Path) -> None:
    told = run(
        "pygeodes_client.py", geodes.url, geodes.api_key, product.identifier, folder=tmp_path
    )

    held = [one for one in geodes.portal.catalogue.products if one.collection == "PEPS_S2_L1C"]
    assert told["collections"] == 66
    assert sorted(told["items"]) == sorted(one.identifier for one in held)
    archive = product.files[0]
    assert (told["checksum"], told["size"]) == (archive.md5, archive.size)
    downloaded = tmp_path / "product.zip"
    assert hashlib.md5(downloaded.read_bytes()).hexdigest() == archive.md5
    assert told["members"] == zipfile.ZipFile(downloaded).namelist()
    assert {entry.status for entry in geodes.requests.to("/api/download/")} == {200, 206}


def test_eodag_searches_and_downloads(geodes: StandIn, product: Any, tmp_path: Path) -> None:
    told = run(
        "eodag_client.py", geodes.url, geodes.api_key, "2021-11-01", "2022-12-01", folder=tmp_path
    )

    assert told["number"] == 8
    assert told["products"][0] == told["downloaded"] == product.identifier
    assert told["tile"] == ["MGRS-19GFG", "MGRS-20GJM"]
    assert told["status"] == ["succeeded"] * 7 + ["orderable"]  # the last one lies on tape
    content = Path(told["path"]).read_bytes()
    assert hashlib.md5(content).hexdigest() == product.files[0].md5
    (search,) = geodes.requests.to("/api/stac/search")
    assert search.key == "absent"  # eodag searches without a key
    assert search.body["query"]["end_datetime"] == {"gte": "2021-11-01T00:00:00.000Z"}


def test_the_next_generation_is_a_stac_api_by_the_letter(
    geodes_factory: Callable[..., StandIn], tmp_path: Path
) -> None:
    portal = geodes_factory(profile="nextgen")
    told = run("validator_client.py", portal.stac_url, "peps-s2-l1c", folder=tmp_path)

    # Schemas are on another site, which cannot be reached here: pystac's own are asked elsewhere.
    faults = [one for one in told["errors"] if "schemas.stacspec.org" not in one]
    assert faults == []
    assert {one.path for one in portal.requests.to("/api/stac/search")}


def names(geodes: StandIn, collection: str) -> list[str]:
    """Return the names of a collection's products, the earliest first."""
    held = [one for one in geodes.portal.catalogue.products if one.collection == collection]
    return [one.identifier for one in sorted(held, key=lambda one: one.identifier.split("_")[2])]


def test_owslib_searches_our_opensearch_service(geodes: StandIn, tmp_path: Path) -> None:
    pytest.importorskip("owslib")
    with facade(load(portal=geodes.url)) as url:
        address = f"{url}/opensearch/description.xml"
        told = run("owslib_client.py", address, "PEPS_S2_L1C", folder=tmp_path)

    here = [one for one in names(geodes, "PEPS_S2_L1C") if "T19GFG" in one or "T20GJM" in one]
    assert told["json"] == here
    assert told["total"] == len(told["atom"]) == len(here) == 8
    assert told["geometry"] == ["<gml:Polygon"] * 8
    assert 0 < len(told["clear"]) < 8
    assert all(clouds <= 10 for clouds in told["clear"])
    assert told["refused"] == "parameter geo_box not found"


def test_eodag_searches_our_opensearch_service_to_the_end(geodes: StandIn, tmp_path: Path) -> None:
    with facade(load(portal=geodes.url)) as url:
        told = run("eodag_opensearch_client.py", url, "PEPS_S2_L1C", folder=tmp_path)

    assert told["every"] == names(geodes, "PEPS_S2_L1C")  # three at a time
    assert told["number"] == len(told["some"]) > 0
    assert all(clouds <= 10 for clouds in told["clouds"])
    assert all(link.startswith(f"{geodes.url}/api/download/") for link in told["link"])

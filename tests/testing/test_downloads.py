from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rasterio
import requests
from remotezip import RemoteZip
from support.waiting import minutes

from geodes_datalab.standin import Catalogue, StandIn
from geodes_datalab.standin.accounts import Accounts
from geodes_datalab.standin.records import download_path, urn_of
from geodes_datalab.standin.samples import Product


def products(geodes: StandIn, collection: str = "PEPS_S2_L1C") -> list[Product]:
    return [one for one in geodes.portal.catalogue.products if one.collection == collection]


def address(geodes: StandIn, product: Product, *, role: str = "data") -> str:
    file = next(one for one in product.files if one.role == role)
    return geodes.url + download_path(urn_of(product), file)


def get(geodes: StandIn, url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers={"X-API-Key": geodes.api_key, **headers}, timeout=minutes(2))


@pytest.fixture
def product(geodes: StandIn) -> Product:
    return products(geodes)[0]


@pytest.fixture
def url(geodes: StandIn, product: Product) -> str:
    return address(geodes, product)


@pytest.fixture
def content(geodes: StandIn, product: Product) -> bytes:
    path = geodes.portal.catalogue.locate(product.files[0])
    assert path is not None
    return path.read_bytes()


def test_the_address_ends_with_the_true_checksum(geodes: StandIn, url: str) -> None:
    reply = get(geodes, url)
    assert reply.status_code == 200
    assert hashlib.md5(reply.content).hexdigest() == url.rsplit("/", 1)[-1]
    assert reply.headers["Accept-Ranges"] == "bytes"
    encoded = get(geodes, url.replace("URN:FEATURE:DATA:gdh:", "URN%3AFEATURE%3ADATA%3Agdh%3A"))
    assert encoded.content == reply.content


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-99", slice(0, 100)),
        ("bytes=1000-", slice(1000, None)),
        ("bytes=-22", slice(-22, None)),
        ("bytes=0-99999999", slice(0, None)),
        ("bytes=-99999999", slice(0, None)),
    ],
)
def test_ranges(geodes: StandIn, url: str, content: bytes, asked: str, part: slice) -> None:
    reply = get(geodes, url, Range=asked)
    first = range(len(content))[part].start
    assert reply.status_code == 206
    assert reply.content == content[part]
    last = first + len(reply.content) - 1
    assert reply.headers["Content-Range"] == f"bytes {first}-{last}/{len(content)}"
    assert reply.headers["Content-Length"] == str(len(reply.content))


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0", "bytes=9-2"])
def test_ranges_outside_of_the_file_get_416(
    geodes: StandIn, url: str, content: bytes, asked: str
) -> None:
    reply = get(geodes, url, Range=asked)
    assert reply.status_code == 416
    assert reply.headers["Content-Range"] == f"bytes */{len(content)}"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-9", "bytes=-", "lines=1-2", "bytes=a-b"])
def test_ranges_that_are_not_understood_get_the_whole_file(
    geodes: StandIn, url: str, content: bytes, asked: str
) -> None:
    reply = get(geodes, url, Range=asked)
    assert (reply.status_code, reply.content) == (200, content)


def test_a_range_of_another_version_is_the_whole_file(
    geodes: StandIn, url: str, content: bytes
) -> None:
    tag = get(geodes, url).headers["ETag"]
    same = get(geodes, url, **{"Range": "bytes=5-9", "If-Range": tag})
    assert (same.status_code, same.content) == (206, content[5:10])
    other = get(geodes, url, **{"Range": "bytes=5-9", "If-Range": '"old"'})
    assert (other.status_code, other.content) == (200, content)
    assert get(geodes, url, **{"If-None-Match": tag}).status_code == 304


def test_head_tells_the_length_and_costs_no_quota(
    geodes: StandIn, url: str, content: bytes
) -> None:
    geodes.set_quota(0)
    reply = requests.head(url, headers={"X-API-Key": geodes.api_key}, timeout=minutes(2))
    assert (reply.status_code, reply.content) == (200, b"")
    assert int(reply.headers["Content-Length"]) == len(content)


def test_ranges_can_be_off_or_broken(geodes: StandIn, url: str, content: bytes) -> None:
    geodes.settings.ranges = "off"
    reply = get(geodes, url, Range="bytes=0-9")
    assert (reply.status_code, reply.content) == (200, content)
    assert "Accept-Ranges" not in reply.headers
    geodes.settings.ranges = "error"
    assert get(geodes, url, Range="bytes=0-9").status_code == 500
    assert get(geodes, url).content == content


def test_zip_members_can_be_read_through_ranges(geodes: StandIn, url: str) -> None:
    with RemoteZip(url, headers={"X-API-Key": geodes.api_key}) as archive:
        (name,) = [one for one in archive.namelist() if one.endswith("_B04.jp2")]
    path = f"/vsizip/{{/vsicurl/{url}}}/{name}"
    options = {"GDAL_HTTP_HEADERS": f"X-API-Key: {geodes.api_key}"}
    environment = rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", **options)
    with environment, rasterio.open(path) as band:
        assert band.shape == (200, 300)
        assert band.read(1).min() == 659
    assert {entry.status for entry in geodes.requests.to("/api/download")} <= {200, 206}
    assert {entry.key for entry in geodes.requests.to("/api/download")} == {"valid"}


def test_quicklooks_need_no_key(geodes: StandIn, product: Product) -> None:
    reply = requests.get(address(geodes, product, role="overview"), timeout=minutes(2))
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "image/jpeg"
    assert hashlib.md5(reply.content).hexdigest() == product.files[1].md5


@pytest.mark.parametrize("part", ["/files/", "URN:"])
def test_unknown_files_get_404(geodes: StandIn, url: str, part: str) -> None:
    wrong = url[:-32] + "0" * 32 if part == "/files/" else url.replace(part, "XXX:")
    assert get(geodes, wrong).status_code == 404


@pytest.mark.parametrize("path", ["download", "quota"])
def test_a_wrong_key_ends_in_a_redirect_loop(geodes: StandIn, url: str, path: str) -> None:
    asked = url if path == "download" else f"{geodes.url}/processing/download/get"
    with pytest.raises(requests.TooManyRedirects):
        requests.get(asked, headers={"X-API-Key": "wrong"}, timeout=minutes(2))
    assert {entry.key for entry in geodes.requests} == {"wrong"}


@pytest.mark.parametrize("mode", ["401", "403"])
def test_a_wrong_key_can_be_refused_plainly(geodes: StandIn, url: str, mode: str) -> None:
    geodes.settings.bad_key = mode
    reply = requests.get(url, headers={"X-API-Key": "wrong"}, timeout=minutes(2))
    assert reply.status_code == int(mode)
    assert "quota" not in reply.text


def test_no_key_gets_401(geodes: StandIn, url: str) -> None:
    assert requests.get(url, timeout=minutes(2)).status_code == 401


def test_the_quota_counts_products_not_requests(geodes: StandIn) -> None:
    geodes.set_quota(2)
    first, second, third = (address(geodes, one) for one in products(geodes)[:3])
    quota = f"{geodes.url}/processing/download/get"
    assert get(geodes, quota).json() == {"maxQuota": 2, "remainingQuota": 2}
    for part in ("bytes=0-9", "bytes=10-19", "bytes=-22"):
        assert get(geodes, first, Range=part).status_code == 206
    assert get(geodes, quota).json()["remainingQuota"] == 1
    assert get(geodes, second).status_code == 200
    refused = get(geodes, third)
    assert refused.status_code == 403
    assert refused.headers["Content-Type"].startswith("text/plain")
    assert "Downloading products per hour exceeds quota limit" in refused.text
    assert get(geodes, quota).json()["remainingQuota"] == 0
    assert get(geodes, first).status_code == 200  # counted before


@pytest.mark.parametrize(("mode", "status"), [("json", 403), ("429", 429)])
def test_other_answers_over_quota(geodes: StandIn, url: str, mode: str, status: int) -> None:
    geodes.set_quota(0)
    geodes.settings.quota_answer = mode
    reply = get(geodes, url)
    assert reply.status_code == status
    if mode == "json":
        assert reply.json()["message"].startswith("DownloadQuotaPlugin")
    else:
        assert reply.headers["Retry-After"] == "900"


def test_the_quota_returns_after_an_hour() -> None:
    now = [1000.0]
    accounts = Accounts({"key": 1}, clock=lambda: now[0])
    assert accounts.use("key", "a")
    assert not accounts.use("key", "b")
    now[0] += 3601
    assert accounts.remaining("key") == 1
    assert accounts.use("key", "b")


def test_availability_is_told_in_bulk_and_is_not_is_online(geodes: StandIn) -> None:
    held = products(geodes)
    asked = [{"href": address(geodes, one), "endpointURL": "s3"} for one in held]
    reply = requests.post(
        f"{geodes.url}/fastavailability", json={"availability": asked}, timeout=minutes(2)
    )
    told = {one["id"]: one["files"] for one in reply.json()["products"]}
    for one in held:
        recorded = one.urn is not None
        expected = not (one.on_tape or recorded)
        assert told[urn_of(one)] == [{"checksum": one.files[0].md5, "available": expected}]
    items = requests.post(
        f"{geodes.stac_url}/search", json={"limit": 80}, timeout=minutes(2)
    ).json()
    online = {
        "Is online: true" in asset["description"]
        for item in items["features"]
        for asset in item["assets"].values()
        if asset["roles"] == ["data"]
    }
    assert online == {False}
    bad = requests.post(f"{geodes.url}/fastavailability", json={"x": 1}, timeout=minutes(2))
    assert bad.status_code == 400


@pytest.mark.parametrize("status", [202, 404])
def test_products_on_tape_cannot_be_downloaded(geodes: StandIn, status: int) -> None:
    geodes.settings.tape_status = status
    tape = next(one for one in products(geodes) if one.on_tape and one.urn is None)
    reply = get(geodes, address(geodes, tape))
    assert reply.status_code == status
    assert "tape" in reply.json()["message"]
    one = get(geodes, f"{geodes.url}/availability/{tape.identifier}").json()
    assert one["available"] is False
    geodes.portal.on_tape.discard(urn_of(tape))  # restored
    assert get(geodes, address(geodes, tape)).status_code == 200


def test_quotas_may_differ_by_key(geodes_factory: Callable[..., StandIn]) -> None:
    accounts = Accounts.of({"rich": 5, "poor": 1}, 100)
    assert (accounts.limit("rich"), accounts.limit("poor")) == (5, 1)
    assert Accounts.of(["one", "two"], 7).quotas == {"one": 7, "two": 7}


def test_a_file_lost_from_the_cache_is_a_404(
    geodes_factory: Callable[..., StandIn], samples_catalogue: Catalogue, tmp_path: Path
) -> None:
    portal = geodes_factory(replace(samples_catalogue, roots=(tmp_path,)))
    assert get(portal, address(portal, products(portal)[0])).status_code == 404


def test_the_sample_archive_of_a_collection(geodes: StandIn) -> None:
    document = requests.get(
        f"{geodes.stac_url}/collections/THEIA_S1TILING_SENTINEL1_L1", timeout=minutes(2)
    ).json()
    reply = requests.get(document["summaries"]["access_url"], timeout=minutes(2))
    names = zipfile.ZipFile(io.BytesIO(reply.content)).namelist()
    assert len(names) == 6
    assert sum(name.endswith(".jpg") for name in names) == 3
    empty = document["summaries"]["access_url"].replace("THEIA_S1TILING_SENTINEL1_L1", "PEPS_S3_L1")
    assert requests.get(empty, timeout=minutes(2)).status_code == 404


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_the_map_service_draws_footprints(geodes: StandIn) -> None:
    wms = f"{geodes.url}/geoserver/peps/wms"
    told = requests.get(wms, params={"request": "GetCapabilities"}, timeout=minutes(2))
    assert "not GEODES" in told.text
    parameters: dict[str, Any] = {
        "REQUEST": "GetMap", "SRS": "EPSG:4326", "BBOX": "-67.7,-47.9,-67.6,-47.8",
        "WIDTH": 100, "HEIGHT": 100,
    }  # fmt: skip
    picture = requests.get(wms, params=parameters, timeout=minutes(2))
    assert picture.headers["Content-Type"] == "image/png"
    with rasterio.MemoryFile(picture.content) as memory, memory.open() as image:
        assert 0.05 < (image.read(4) > 0).mean() < 0.2
    for wrong in ({"BBOX": "1"}, {"SRS": "EPSG:0"}, {"REQUEST": "GetLegend"}, {"WIDTH": 10**6}):
        assert requests.get(wms, params=parameters | wrong, timeout=minutes(2)).status_code == 400

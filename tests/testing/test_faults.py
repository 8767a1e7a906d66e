from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
import requests
from support.waiting import minutes

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.standin import Fault, Faults, Settings, StandIn
from geodes_datalab.standin.records import download_path, urn_of


def statuses(geodes: StandIn, count: int, path: str = "/api/stac") -> list[int]:
    return [requests.get(geodes.url + path, timeout=minutes(2)).status_code for _ in range(count)]


@pytest.fixture
def archive(geodes: StandIn) -> str:
    product = geodes.portal.catalogue.products[0]
    return download_path(urn_of(product), product.files[0])


def download(geodes: StandIn, archive: str) -> requests.Response:
    return requests.get(
        geodes.url + archive, headers={"X-API-Key": geodes.api_key}, timeout=minutes(2)
    )


def test_errors_come_as_often_as_asked(geodes: StandIn) -> None:
    geodes.faults.fail("stac", status=500, times=2)
    assert statuses(geodes, 3) == [500, 500, 200]
    assert len(geodes.faults) == 0


def test_searches_can_fail_alone(geodes: StandIn) -> None:
    geodes.faults.fail("search", times=-1)
    assert statuses(geodes, 1) == [200]
    for path in ("/search", "/search/paginate", "/collections/PEPS_S1_L1/items"):
        assert statuses(geodes, 1, f"/api/stac{path}") == [500]


def test_errors_concern_their_path_only(geodes: StandIn, archive: str) -> None:
    geodes.faults.fail("download", times=1)
    assert statuses(geodes, 1) == [200]
    assert download(geodes, archive).status_code == 500
    assert download(geodes, archive).status_code == 200


def test_random_errors_repeat_with_the_seed() -> None:
    def draw() -> list[bool]:
        faults = Faults(seed=7)
        faults.fail_randomly("download", probability=0.3)
        return [faults.take("GET", "/api/download/x") is not None for _ in range(100)]

    assert draw() == draw()
    assert 15 < sum(draw()) < 45


def test_rate_limits_tell_when_to_come_back(geodes: StandIn) -> None:
    geodes.faults.rate_limit("stac", retry_after=2)
    reply = requests.get(geodes.stac_url, timeout=minutes(2))
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "2")


def test_the_catalogue_can_be_down(geodes: StandIn) -> None:
    geodes.faults.down()
    assert statuses(geodes, 3) == [503, 503, 503]
    geodes.faults.clear()
    assert statuses(geodes, 1) == [200]


def test_truncated_downloads_announce_the_whole_length(geodes: StandIn, archive: str) -> None:
    geodes.faults.truncate(share=0.25)
    whole = geodes.portal.catalogue.products[0].files[0]
    received = b""

    def read(reply: requests.Response) -> None:
        nonlocal received
        for chunk in reply.iter_content(1024):
            received += chunk

    key = {"X-API-Key": geodes.api_key}
    with requests.get(geodes.url + archive, headers=key, stream=True, timeout=minutes(2)) as reply:
        assert int(reply.headers["Content-Length"]) == whole.size
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            read(reply)
    assert 0 < len(received) <= whole.size // 4
    assert hashlib.md5(download(geodes, archive).content).hexdigest() == whole.md5


def test_connections_can_be_cut(geodes: StandIn) -> None:
    geodes.faults.cut("stac")
    with pytest.raises(requests.ConnectionError):
        requests.get(geodes.stac_url, timeout=minutes(2))
    assert geodes.requests[-1].status == 0
    assert statuses(geodes, 1) == [200]


def test_slow_answers_outlast_a_timeout(geodes: StandIn) -> None:
    geodes.faults.slow("stac", seconds=2, times=1)  # patience: longer than the next line's
    with pytest.raises(requests.ReadTimeout):
        requests.get(geodes.stac_url, timeout=0.2)  # patience: what is outlasted
    assert statuses(geodes, 1) == [200]


def test_redirect_loops(geodes: StandIn, archive: str) -> None:
    geodes.faults.redirect_loop("download")
    with pytest.raises(requests.TooManyRedirects):
        download(geodes, archive)


@pytest.mark.parametrize("profile", ["legacy", "nextgen"])
def test_a_broken_next_link_points_to_its_own_page(
    geodes_factory: Callable[..., StandIn], profile: str
) -> None:
    geodes = geodes_factory(profile=profile)

    def after(number: int) -> int:
        body = {"limit": 5, "page": number}
        found = requests.post(f"{geodes.stac_url}/search", json=body, timeout=minutes(2)).json()
        (link,) = [link for link in found["links"] if link["rel"] == "next"]
        return link["body"]["page"] if "body" in link else int(link["href"].split("&page=")[-1])

    geodes.faults.wrong_next(times=1)
    assert after(2) == 2
    assert after(2) == 3


def test_the_control_endpoint_exists_on_request_only(
    geodes: StandIn, geodes_factory: Callable[..., StandIn]
) -> None:
    assert requests.get(f"{geodes.url}/_stand-in/faults", timeout=minutes(2)).status_code == 404
    open_ = geodes_factory(settings=Settings(control=True))
    control = f"{open_.url}/_stand-in"
    fault = {"kind": "status", "path": "stac", "status": 502, "times": 1}
    assert requests.post(f"{control}/faults", json=fault, timeout=minutes(2)).status_code == 200
    assert statuses(open_, 2) == [502, 200]
    bad = requests.post(f"{control}/faults", json={"kind": "status", "x": 1}, timeout=minutes(2))
    assert bad.status_code == 400
    log = requests.get(f"{control}/requests", timeout=minutes(2)).json()
    assert [entry["status"] for entry in log] == [502, 200]
    requests.delete(f"{control}/requests", timeout=minutes(2))
    assert requests.get(f"{control}/requests", timeout=minutes(2)).json() == []


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="truncate"):
        Fault("explode")

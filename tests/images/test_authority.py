"""A closed site: an authority of its own, a web proxy, no network; every client that people use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest
import trustme
from clients import CLIENTS, table
from inside import ROOT, Image
from support.closed_site import HOST, ClosedSite
from support.web_proxy import WebProxy

from geodes_datalab._authorities import FSSPEC, VARIABLES

BUNDLE = "/tmp/authorities.pem"
SYSTEM = "/etc/ssl/certs/ca-certificates.crt"
PAGE = ROOT / "docs/how-to/kubernetes-closed-site.md"
PLAY = f'cat >{BUNDLE} && exec python /mnt/images/clients.py "$@"'

Answers = dict[str, dict[str, object]]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The public authorities and the site's."""
    path = tmp_path_factory.mktemp("authorities") / "ca.pem"
    path.write_text(Path(certifi.where()).read_text("utf-8") + authority.cert_pem.bytes().decode())
    path.parent.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def site(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClosedSite]:
    with ClosedSite(tmp_path_factory.mktemp("site"), authority) as site:
        yield site


def answers(image: Image, bundle: Path, *arguments: str, **how: object) -> Answers:
    """What the clients said that the image has; printed, for the record."""
    words = ("sh", "-c", PLAY, "sh", *arguments)
    done = image.run(*words, text=bundle.read_text("utf-8"), within=25, **how)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for name, answer in found.items():
        last = str(answer["said"]).strip().rpartition("\n")[2]
        print(f"{name:16}{answer['seconds']:7} {last[:160]}")
    return {name: answer for name, answer in found.items() if answer["said"] != "absent"}


def wrong(found: Answers, expected: set[str]) -> dict[str, str]:
    """Clients that worked though they should not, or the other way round."""
    works = {name for name, answer in found.items() if answer["said"] == "works"}
    return {name: str(found[name]["said"]) for name in works ^ (expected & found.keys())}


def test_the_page_shows_the_clients() -> None:
    assert len(CLIENTS) >= 25
    assert table() in PAGE.read_text("utf-8")
    assert {name for client in CLIENTS.values() for name in client.by.split()} == set(VARIABLES)


@pytest.mark.images
@pytest.mark.timeout(1800)
def test_nobody_trusts_the_site_untold(notebook: Image, site: ClosedSite, bundle: Path) -> None:
    found = answers(notebook, bundle, f"https://127.0.0.1:{site.port}")
    assert wrong(found, set()) == {}


@pytest.mark.images
@pytest.mark.timeout(1800)
def test_each_client_needs_its_own_variable(
    notebook: Image, site: ClosedSite, bundle: Path
) -> None:
    address = f"https://127.0.0.1:{site.port}"
    found = answers(notebook, bundle, address, f"--alone={BUNDLE}")
    assert wrong(found, {name for name, client in CLIENTS.items() if client.by}) == {}


@pytest.mark.images
@pytest.mark.timeout(1800)
def test_through_the_web_proxy_with_all_variables(
    notebook: Image, site: ClosedSite, bundle: Path
) -> None:
    with WebProxy({HOST: site.port}) as proxy:
        environment = {**dict.fromkeys(VARIABLES, BUNDLE), **FSSPEC, **proxy.environment()}
        files = {SYSTEM: bundle}
        found = answers(notebook, bundle, f"https://{HOST}", files=files, **environment)
        assert {one.method for one in proxy.asked} == {"CONNECT"}
        assert {one.target for one in proxy.asked} == {f"{HOST}:443"}
    assert wrong(found, {name for name, client in CLIENTS.items() if client.proxied}) == {}


@pytest.mark.images
@pytest.mark.timeout(1800)
def test_without_a_network_every_client_says_so(
    notebook: Image, bundle: Path, closed_port: int
) -> None:
    proxy = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), f"http://127.0.0.1:{closed_port}")
    environment = {**dict.fromkeys(VARIABLES, BUNDLE), **FSSPEC, **proxy}
    found = answers(notebook, bundle, f"https://{HOST}", network=False, **environment)
    assert wrong(found, set()) == {}
    assert [name for name, answer in found.items() if answer["said"] == "hangs"] == []
    told = {name: str(answer["said"]).lower() for name, answer in found.items()}
    assert {name: said for name, said in told.items() if "certificate" in said} == {}

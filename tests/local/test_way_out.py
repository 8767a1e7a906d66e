"""The whole datalab on a machine whose only way out is a web proxy with a password."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme
from support.closed_site import HOST as DATA
from support.closed_site import ClosedSite
from support.datalab import Datalab
from support.identity import Provider, trusted
from support.visitor import Visitor
from support.waiting import minutes
from support.web_proxy import WebProxy

from geodes_datalab._authorities import VARIABLES

HOST = "sso.example.org"
SETTINGS = f"""
[auth]
type = "oidc"
[auth.oidc]
authorize_url = "https://{HOST}/authorize"
token_url = "https://{HOST}/token"
userdata_url = "https://{HOST}/userinfo"
client_id = "datalab"
client_secret = {{file = "SECRET"}}
allowed_groups = ["eo"]
"""


@pytest.fixture(scope="module")
def proxy() -> Iterator[WebProxy]:
    with WebProxy(credentials="site:word") as proxy:
        yield proxy


@pytest.fixture(scope="module")
def datalab(
    proxy: WebProxy, tmp_path_factory: pytest.TempPathFactory, shared_cache: Path
) -> Iterator[Datalab]:
    """Start the whole datalab behind the proxy."""
    folder, authority = tmp_path_factory.mktemp("behind"), trustme.CA()
    (folder / "secret").write_text("secret-of-the-datalab")
    settings = folder / "settings.toml"
    settings.write_text(SETTINGS.replace("SECRET", str(folder / "secret")))
    environment = {
        **{n: v for n, v in os.environ.items() if n not in {*VARIABLES} - {"NODE_EXTRA_CA_CERTS"}},
        **proxy.environment(),
        **trusted(authority, folder),
        "XDG_CACHE_HOME": str(shared_cache.parent),
    }
    claims = {"preferred_username": "ada", "groups": ["eo"]}
    with Provider(claims, HOST, authority) as provider:
        proxy.leads[HOST] = provider.port
        (folder / "site").mkdir()
        arguments = [f"--settings={settings}"]
        state = folder / "state"
        with (
            ClosedSite(folder / "site", authority) as site,
            Datalab.start(state, arguments=arguments, environment=environment) as running,
        ):
            proxy.leads[DATA] = site.port
            yield running


@pytest.fixture(scope="module")
def ada(datalab: Datalab) -> Visitor:
    """Somebody who logs in as a browser does: sent to the provider, and sent back with a code."""
    ada = Visitor(datalab.facts["url"], "ada")
    ada.session.trust_env = False
    sent = ada.session.get(f"{ada.url}hub/oauth_login", allow_redirects=False, timeout=minutes(2))
    there = urlsplit(sent.headers["Location"])
    asked = parse_qs(there.query)
    assert there.hostname == HOST
    back = ada.session.get(
        asked["redirect_uri"][0],
        params={"code": "from-the-provider", "state": asked["state"][0]},
        allow_redirects=False,
        timeout=minutes(2),
    )
    assert back.status_code == 302, back.text
    return ada


def test_log_in_goes_through_the_proxy(ada: Visitor, proxy: WebProxy) -> None:
    assert ada.hub("GET", "user").json()["name"] == "ada"
    asked = [one for one in proxy.asked if HOST in one.target]
    assert {(one.method, one.credentials) for one in asked} == {("CONNECT", "site:word")}
    assert len(asked) == 2, "for the token, and for who that is"


CODE = """
import os, geodes_datalab as gd
from dask_gateway import Gateway
assert os.environ["HTTP_PROXY"]
print(Gateway().list_clusters())
with gd.open_cluster(1, progress=False, timeout=300) as cluster:
    print(cluster.kind, cluster.client.submit(sum, [40, 2]).result())
"""


def test_a_dask_cluster_opens_behind_the_proxy(ada: Visitor, proxy: WebProxy) -> None:
    ada.spawn()
    said = ada.kernel().run(CODE)
    assert said.split() == ["[]", "gateway", "42"]
    assert not [one.target for one in proxy.asked if HOST not in one.target]


READING = f"""
import geodes_datalab as gd

def read():
    import netCDF4, os, rasterio, fsspec, subprocess, sys
    site = "https://{DATA}"
    with rasterio.open(site + "/cog.tif") as image:
        found = [int(image.read(1)[0, 0])]
    with netCDF4.Dataset(site + "/cube.nc#mode=bytes") as cube:
        found.append(int(cube["a"][0]))
    with fsspec.open(site + "/hello.txt") as file:
        found.append(file.read().decode())
    done = subprocess.run(["git", "ls-remote", site + "/repository.git"], stderr=subprocess.PIPE)
    return [*found, done.returncode, done.stderr.decode()]

print(read())
with gd.open_cluster(1, progress=False, timeout=300) as cluster:
    print(cluster.client.submit(read).result())
"""


def test_every_client_trusts_the_authority_of_the_site(ada: Visitor) -> None:
    """The operator named it by two variables, which GDAL, netCDF4 and git do not read."""
    ada.spawn()
    said = ada.kernel().run(READING)
    assert said.splitlines() == ["[7, 7, 'hello', 0, '']"] * 2

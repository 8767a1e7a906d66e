"""A datalab as an operator may want it: the portal with a key, own settings, French, short idle time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.datalab import Datalab, Visitor
from support.waiting import eventually, minutes

from geodes_datalab.standin import Catalogue, StandIn, serve

pytestmark = [pytest.mark.system, pytest.mark.timeout(1200)]

SETTINGS = """
[cull]
timeout = 30
every = 3

[auth]
users = ["alice", "admin"]

[singleuser]
language = "fr"

[gateway.limits]
clusters = 1
"""


@pytest.fixture(scope="module")
def portal(samples_catalogue: Catalogue) -> Iterator[StandIn]:
    """Serve what stands for the real GEODES here."""
    with serve(samples_catalogue) as server:
        yield server


@pytest.fixture(scope="module")
def datalab(
    portal: StandIn, tmp_path_factory: pytest.TempPathFactory, shared_cache: Path
) -> Iterator[Datalab]:
    folder = tmp_path_factory.mktemp("options")
    (folder / "settings.toml").write_text(SETTINGS)
    (folder / "key").write_text(portal.api_key + "\n")
    environment = {
        **os.environ,
        "GEODES_PORTAL": portal.url,
        "XDG_CACHE_HOME": str(shared_cache.parent),
    }
    arguments = [
        "--catalogue=geodes",
        f"--api-key-file={folder / 'key'}",
        f"--settings={folder / 'settings.toml'}",
    ]
    with Datalab.start(folder / "state", arguments=arguments, environment=environment) as found:
        yield found


@pytest.fixture(scope="module")
def alice(datalab: Datalab) -> Visitor:
    visitor = datalab.visitor("alice")
    visitor.spawn()
    return visitor


def test_the_portal_is_asked_with_the_operators_key(
    datalab: Datalab, alice: Visitor, portal: StandIn
) -> None:
    kernel = alice.kernel()
    code = "import geodes_datalab as gd; print(len(gd.search('PEPS_S2_L1C', limit=2)), gd.status())"
    said = kernel.run(code)
    assert said.startswith("2 ")
    assert portal.url in said
    assert portal.api_key not in said
    assert kernel.run("import os; print(str(os.environ))").count(portal.api_key) == 0
    for log in (datalab.state_dir / "logs").iterdir():
        assert portal.api_key not in log.read_text("utf-8", "replace"), log.name
    names = {part["name"] for part in datalab.refresh()["parts"]}
    assert "catalogue" not in names
    assert datalab.facts["catalogue"] == "GEODES (with your key)"


def test_the_lab_speaks_french_and_fetches_no_news(alice: Visitor) -> None:
    settings = alice.get("lab/api/settings/@jupyterlab/translation-extension:plugin").json()
    assert settings["schema"]["properties"]["locale"]["default"] == "fr_FR"
    assert '"news": {"disabled": true}' in alice.get("lab", allow_redirects=True).text


def test_only_named_users_may_log_in(datalab: Datalab) -> None:
    with pytest.raises(AssertionError, match=r"refused the login of \w+ \(403\)"):
        datalab.visitor("bob")


def test_the_administrator_has_the_admin_page(datalab: Datalab) -> None:
    admin = Visitor(datalab.url, "admin")
    with admin.session:
        admin.log_in(datalab.command("password", "--admin").stdout.strip())
        assert admin.session.get(datalab.url + "hub/admin", timeout=minutes(2)).status_code == 200


def test_an_idle_server_is_culled_and_its_clusters_with_it(
    datalab: Datalab, alice: Visitor
) -> None:
    alice.spawn()
    code = (
        "from dask_gateway import Gateway; cluster = Gateway().new_cluster(); print(cluster.name)"
    )
    alice.kernel().run(code)
    assert any(user["kind"] == "Dask schedulers" for user in datalab.refresh()["users"])
    eventually(lambda: not datalab.refresh()["users"], "culling", within=8, scene=datalab.tails)
    assert alice.get("lab").status_code == 302  # to the hub: the server is gone

"""The whole datalab, as `geodes-datalab up` starts it, used by two people."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import requests
from support.datalab import Datalab, Failure, Kernel, Visitor
from support.terminal import opened
from support.waiting import eventually, minutes

from geodes_datalab.local import family

OPEN_CLUSTER = """
from dask_gateway import Gateway
gateway = Gateway()
cluster = gateway.new_cluster()
cluster.scale(2)
client = cluster.get_client()
client.wait_for_workers(2, timeout=300)
import dask.array
print(int(dask.array.ones((200, 200), chunks=100).sum().compute()), cluster.dashboard_link)
"""


@pytest.fixture(scope="module")
def alice(datalab: Datalab) -> Visitor:
    visitor = datalab.visitor("alice")
    visitor.spawn()
    return visitor


@pytest.fixture(scope="module")
def kernel(alice: Visitor) -> Kernel:
    return alice.kernel()


@pytest.fixture(scope="module")
def dashboard(kernel: Kernel) -> str:
    """Open a cluster with two workers, compute on it, return the path of its dashboard."""
    total, link = kernel.run(OPEN_CLUSTER).split()  # and not a line of logs
    assert total == "40000"
    assert link.startswith("/user/alice/proxy/127.0.0.1:")
    return link.removeprefix("/user/alice/")


def test_everything_is_ready_and_local(datalab: Datalab) -> None:
    facts = datalab.refresh()
    assert facts["state"] == "ready"
    names = {part["name"] for part in facts["parts"]}
    assert names == {"gateway", "hub", "culler", "gateway-proxy", "proxy", "catalogue"}
    for part in facts["parts"]:
        assert part["state"] == "ready"
        for connection in psutil.Process(part["pid"]).net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN:
                assert connection.laddr.ip == "127.0.0.1", part["name"]


def test_the_command_says_what_runs(datalab: Datalab) -> None:
    """The tests look at the same facts without it: it takes a second, and they look often."""
    told, seen = datalab.asked(), datalab.refresh()
    moving = {"memory", "uptime"}
    for facts in (told, seen):
        for row in (*facts["parts"], *facts["users"]):
            assert moving & set(row), row
            for name in moving & set(row):
                assert row.pop(name) > 0
    assert told == seen


@pytest.mark.parametrize("name", ["../bob", "Bob/../x", "bob smith", "", "admin"])
def test_names_that_are_no_folders_are_refused(datalab: Datalab, name: str) -> None:
    stranger = Visitor(datalab.url, name)
    with stranger.session, pytest.raises(Failure, match="refused the login"):
        stranger.log_in(datalab.password)


def test_a_wrong_password_is_refused(datalab: Datalab) -> None:
    stranger = Visitor(datalab.url, "bob")
    with stranger.session, pytest.raises(Failure, match=r"\(403\)"):
        stranger.log_in("wrong" + datalab.password)


def test_the_lab_opens_on_the_users_own_notebooks(alice: Visitor, datalab: Datalab) -> None:
    answer = alice.get("", allow_redirects=True)
    assert answer.status_code == 200
    assert answer.url.endswith("/user/alice/lab/tree/notebooks/README.md")
    copy = datalab.state_dir / "homes" / "alice" / "notebooks"
    assert (copy / "README.md").is_file()
    settings = alice.get("lab/api/settings/@jupyterlab/apputils-extension:notification").json()
    assert settings["settings"] == {} or "fetchNews" not in settings["settings"]
    assert settings["schema"]["properties"]["fetchNews"]["default"] == "false"
    panel = alice.get("lab/api/settings/dask-labextension:plugin").json()
    assert panel["schema"]["properties"]["browserDashboardCheck"]["default"] is True
    languages = alice.get("lab/api/translations/").json()
    assert {"en", "fr_FR"} <= set(languages["data"])


def test_a_kernel_computes_in_the_home(kernel: Kernel, datalab: Datalab) -> None:
    assert kernel.run("6 * 7") == "42"
    home = datalab.state_dir / "homes" / "alice"
    assert kernel.run("import pathlib; print(pathlib.Path.home())").strip() == str(home)
    names = kernel.run(
        "import os; print(sorted({n for n in os.environ if 'GEODES' in n} - {'GEODES_CA_BUNDLE'}))"
    )  # that one is there where the machine names authorities of its own
    assert names.strip() == str(
        [
            "GEODES_API_KEY_FILE",
            "GEODES_CATALOGUE_NOTICE",
            "GEODES_DATALAB_BUSY_HOURS",
            "GEODES_DATALAB_CULL_MINUTES",
            "GEODES_DATALAB_HOME_USAGE",
            "GEODES_DATALAB_INSTANCE",
            "GEODES_DATALAB_LANGUAGE",
            "GEODES_DATALAB_SERVER",
            "GEODES_PORTAL",
        ]
    )


def test_the_catalogue_answers_with_the_users_key(kernel: Kernel) -> None:
    code = (
        "import geodes_datalab as gd\nitems = gd.search('PEPS_S2_L1C', limit=1)\nprint(len(items))"
    )
    assert kernel.run(code).strip().endswith("1")


def test_dashboard_is_the_owners(dashboard: str, alice: Visitor, datalab: Datalab) -> None:
    assert alice.get(dashboard).status_code == 200
    socket = dashboard.removesuffix("status") + "status/ws"
    assert alice.websocket_status(socket) == 101
    anonymous = requests.get(
        f"{datalab.url}user/alice/{dashboard}", allow_redirects=False, timeout=minutes(2)
    )
    assert anonymous.status_code == 302
    assert "/hub/" in anonymous.headers["Location"]
    bob = datalab.visitor("bob")
    for page in (dashboard, "lab", "api/kernels"):
        assert bob.get(page, user="alice", allow_redirects=True).status_code in (403, 404), page
    assert bob.websocket_status(socket, user="alice") in (302, 403, 404)  # never 101


def test_dask_processes_work_in_the_home_with_the_guard(dashboard: str, kernel: Kernel) -> None:
    code = (
        "def look():\n"
        "    import os, sys\n"
        "    return os.getcwd(), os.environ['HOME'], 'geodes_datalab.compute.tls' in sys.modules\n"
        "places = {*client.run(look).values(), client.run_on_scheduler(look)}\n"
        "print(len(places), *places.pop())"
    )
    count, folder, home, guarded = kernel.run(code).split()[-4:]
    assert (count, guarded) == ("1", "True")
    assert folder == home
    assert home.endswith("/homes/alice")


def test_terminals_find_the_programs_of_the_datalab(alice: Visitor) -> None:
    headers = alice.headers("user/alice/api/terminals")
    with opened(f"{alice.url}user/alice", headers) as terminal:
        for name in ("python", "jupyter", "geodes-datalab"):
            assert terminal.run(f"type -p {name}") == str(Path(sys.executable).parent / name)
        assert terminal.run("python -c 'import xarray; print(1 + 1)'") == "2"
        assert terminal.run("echo $LOCALTILESERVER_CLIENT_PREFIX") == "/user/alice/proxy/{port}"


def test_limits_per_user(dashboard: str, kernel: Kernel) -> None:
    code = (
        "import warnings\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    second = gateway.new_cluster(shutdown_on_close=True)\n"
        "    second.scale(100)\n"
        "print([str(w.message) for w in caught if 'limit' in str(w.message)])\n"
        "second.scale(0)\n"
        "try:\n"
        "    gateway.new_cluster()\n"
        "except ValueError as error:\n"
        "    print('refused:', error)\n"
        "second.shutdown()"
    )
    said = kernel.run(code)
    assert "Scaling to 6 instead" in said  # 8 in all (conftest.py), 2 taken by the first cluster
    assert "refused: you already have 2 active Dask cluster(s)" in said


def test_what_a_refusal_leaves_does_not_hang_the_kernel(dashboard: str, kernel: Kernel) -> None:
    code = (
        "import gc\n"
        "for _ in range(3):\n"
        "    try: gateway.new_cluster(worker_memory=1000)\n"
        "    except Exception: pass\n"
        "gateway.loop.asyncio_loop.call_soon_threadsafe(gc.collect)\n"  # as it happens by chance
        "print(len(gateway.list_clusters()))"
    )
    assert kernel.run(code).split()[-1] == "1"


def test_options_are_bounded_and_hold_no_secret(dashboard: str, kernel: Kernel) -> None:
    code = (
        "def refused(**options):\n"
        "    try: gateway.new_cluster(**options)\n"
        "    except Exception as error: print('refused:', error)\n"
        "refused(worker_memory=1000)\n"
        "refused(environment={'GDAL_API_KEY': 'x'})\n"
        "refused(environment={'LD_PRELOAD': 'x'})"
    )
    said = kernel.run(code)  # logs of the library's threads may come between
    refused = [line for line in said.splitlines() if line.startswith("refused:")]
    assert len(refused) == 3, said
    memory, secret, foreign = refused
    assert "worker_memory" in memory
    assert "looks like a secret" in secret
    assert "LD_PRELOAD may not be set for workers" in foreign


def test_a_bad_token_is_told_with_advice(datalab: Datalab) -> None:
    answer = requests.get(
        f"{datalab.facts['gateway']}/api/v1/clusters/",
        headers={"Authorization": "jupyterhub wrong"},
        timeout=minutes(2),
    )
    assert answer.status_code == 401
    assert "stop and start your server" in answer.json()["error"]


def test_idle_server_is_small(datalab: Datalab, alice: Visitor) -> None:
    servers = [
        process.memory_info().rss
        for process in family.members(str(datalab.state_dir.resolve()))
        if "jupyterhub.singleuser" in " ".join(process.cmdline())
    ]
    assert len(servers) == 1
    assert servers[0] < 250e6


def test_secrets_are_private_and_on_no_command_line(datalab: Datalab, dashboard: str) -> None:
    for path in [datalab.state_dir, *datalab.state_dir.iterdir()]:
        assert path.stat().st_mode & 0o077 == 0, path
    secrets = {p.read_text().strip() for p in (datalab.state_dir / "secrets").iterdir()}
    assert len(secrets) == 12
    lines = [" ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"])]
    logs = [path.read_text("utf-8", "replace") for path in datalab.state_dir.glob("logs/*")]
    logs += [(datalab.state_dir / name).read_text() for name in ("settings.json", "runtime.json")]
    for secret in secrets:
        assert not any(secret in text for text in lines + logs)


def test_the_labs_dask_panel_opens_gateway_clusters(alice: Visitor, datalab: Datalab) -> None:
    answer = alice.send("PUT", "dask/clusters/", {})
    assert answer.status_code == 200, answer.text
    cluster = answer.json()
    assert cluster["scheduler_address"].startswith("gateway://127.0.0.1:")
    assert alice.get(cluster["dashboard_link"].removeprefix("/user/alice/")).status_code == 200
    assert alice.send("DELETE", f"dask/clusters/{cluster['id']}").status_code == 204


def test_routes_are_back_soon_after_the_proxy_was_killed(datalab: Datalab, alice: Visitor) -> None:
    log = datalab.state_dir / "logs" / "hub.log"
    words = (
        "The proxy lost its routes: putting them back"  # upstream would look for them in a minute
    )
    before = log.read_text().count(words)
    psutil.Process(datalab.part("proxy")["pid"]).kill()
    eventually(
        lambda: datalab.part("proxy")["restarts"] == 1, "restart of the proxy", scene=datalab.tails
    )
    eventually(alice.server_answers, "route of alice", scene=datalab.tails)
    assert log.read_text().count(words) > before


def test_a_second_up_shows_the_first(datalab: Datalab) -> None:
    done = datalab.command("up")
    assert "It already runs" in done.stdout
    assert datalab.url in done.stdout
    table = datalab.command("status").stdout
    assert "user servers" in table
    assert "Dask workers" in table


def test_the_clusters_end_with_the_server(datalab: Datalab, dashboard: str, alice: Visitor) -> None:
    def dask_runs() -> bool:
        return any(user["kind"].startswith("Dask") for user in datalab.refresh()["users"])

    assert dask_runs()
    alice.stop()
    eventually(lambda: not dask_runs(), "end of the Dask clusters", scene=datalab.tails)


def test_down_leaves_nothing(datalab: Datalab) -> None:
    """The last test of this module: it stops what the others used."""
    datalab.visitor("carol").spawn()
    datalab.command("down")
    assert not family.members(str(datalab.state_dir.resolve()))
    done = subprocess.run(
        datalab.command_line("status"), capture_output=True, text=True, env=datalab.environment
    )
    assert done.returncode == 3
    assert "nothing runs" in done.stdout
    assert not (datalab.state_dir / "runtime.json").exists()
    assert not list(Path(datalab.state_dir, "clusters").iterdir())

"""The Lab's Dask panel and an HPC centre: a user's server, the panel's own extension, a real gateway."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from support.dask_gateway import serve
from support.waiting import eventually, minutes
from user_server import UserServer, server

from geodes_datalab.hub.steps.singleuser import LAB

EXTENSION = LAB / "data/labextensions/geodes-datalab"
PACKAGE = json.loads((EXTENSION / "package.json").read_text())
PATH = "/services/dask-gateway-hpda"
CLUSTERS = "/geodes-datalab/hpda/clusters"
SETTINGS = """
from dask_gateway_server.options import Integer, Mapping, Options, Select

def handler(options, user):
    commands = {"failing": ["false"], "waiting": ["sh", "-c", "exec sleep 600"]}
    found = commands.get(options.partition)
    return {"scheduler_cmd": found} if found else {}

c.Backend.cluster_options = Options(
    Integer("worker_cores", default=1, min=1, max=2),
    Select("partition", ["normal", "failing", "waiting"], default="normal"),
    Mapping("environment", {}),
    handler=handler,
)
c.UnsafeLocalBackend.cluster_status_period = 0.3
c.ClusterConfig.scheduler_memory = c.ClusterConfig.worker_memory = "512 M"
"""


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A real Dask Gateway; yields what the hub would tell a user's server of it."""
    with serve(tmp_path_factory.mktemp("centre"), SETTINGS, prefix=PATH) as gateway:
        yield {
            "DASK_GATEWAY_HPDA__ADDRESS": gateway.address,
            "DASK_GATEWAY_HPDA__PROXY_ADDRESS": gateway.proxy_address,
            "DASK_GATEWAY_HPDA__AUTH": "basic",
            "DASK_GATEWAY__AUTH__KWARGS": '{"username": "ada"}',
            "DASK_LABEXTENSION__FACTORY__MODULE": "geodes_datalab.compute.panel.factory",
            "DASK_LABEXTENSION__FACTORY__CLASS": "cluster",
            "DASK_LABEXTENSION__DEFAULT__WORKERS": "1",
        }


def running(centre: dict[str, str]) -> list[str]:
    """Return the names of the clusters that the gateway runs."""
    address = f"{centre['DASK_GATEWAY_HPDA__ADDRESS']}/api/v1/clusters/"
    return list(requests.get(address, auth=("ada", ""), timeout=minutes(2)).json())


@pytest.fixture(scope="module")
def ask(centre: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[UserServer]:
    with server(tmp_path_factory.mktemp("user"), keep=("dask_labextension",), **centre) as ask:
        yield ask


def begin(ask: UserServer, workers: int = 0, **options: Any) -> dict[str, Any]:
    told = ask("POST", CLUSTERS, json={"workers": workers, "options": options})
    return dict(told)


def ended(ask: UserServer, number: str) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        told = ask("GET", f"{CLUSTERS}/{number}")
        return told if told["state"] != "starting" else None

    return dict(eventually(found, "the start has ended", within=5).value or {})


def test_a_cluster_comes_into_the_panel(ask: UserServer, centre: dict[str, str]) -> None:
    told = begin(ask, workers=1, worker_cores=1)
    assert told["state"] in ("starting", "running")
    assert ended(ask, told["id"])["state"] == "running"
    [shown] = ask("GET", "/dask/clusters")
    assert shown["id"] == told["id"]
    assert shown["name"] == f"HPC centre {told['cluster'][:8]}"
    assert shown["scheduler_address"].endswith(told["cluster"])
    eventually(lambda: ask("GET", "/dask/clusters")[0]["workers"] == 1, "a worker", within=5)
    assert running(centre) == [told["cluster"]]
    ask("DELETE", f"/dask/clusters/{told['id']}")
    eventually(lambda: not running(centre), "no cluster is left")


def test_the_panel_s_own_button_works_too(ask: UserServer, centre: dict[str, str]) -> None:
    """No gateway of the datalab is named here: the button makes clusters of the centre."""
    shown = ask("PUT", "/dask/clusters")
    assert shown["name"].startswith("GatewayCluster")
    assert len(running(centre)) == 1
    eventually(lambda: ask("GET", "/dask/clusters")[0]["workers"] == 1, "a worker", within=5)
    ask("DELETE", f"/dask/clusters/{shown['id']}")
    eventually(lambda: not running(centre), "no cluster is left")


def test_one_that_waits_can_be_given_up(ask: UserServer, centre: dict[str, str]) -> None:
    told = begin(ask, partition="waiting")
    assert ask("GET", f"{CLUSTERS}/{told['id']}")["state"] == "starting"
    assert [one["id"] for one in ask("GET", CLUSTERS)] == [told["id"]]
    assert running(centre) == [told["cluster"]]
    ask("DELETE", f"{CLUSTERS}/{told['id']}")
    assert ended(ask, told["id"])["state"] == "cancelled"
    eventually(lambda: not running(centre), "no cluster is left")
    assert ask("GET", CLUSTERS) == []
    assert ask("GET", "/dask/clusters") == []


def test_a_failure_is_told(ask: UserServer, centre: dict[str, str]) -> None:
    told = ended(ask, begin(ask, partition="failing")["id"])
    assert told["state"] == "failed"
    assert "failed to start" in told["text"]
    assert ask("GET", "/dask/clusters") == []
    eventually(lambda: not running(centre), "no cluster is left")


def test_the_browser_learns_what_may_be_chosen(ask: UserServer) -> None:
    options = {one["field"]: one for one in ask("GET", "/geodes-datalab/hpda/options")}
    assert options["worker_cores"]["spec"] == {"type": "int", "min": 1, "max": 2}
    assert options["partition"]["default"] == "normal"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"options": {"worker_cores": 64}}, "worker_cores"),
        ({"options": {"colour": "red"}}, "colour"),
        ({"workers": "two"}, "no number of workers"),
        ({"workers": -1}, "no number of workers"),
        ({"options": ["a"]}, "must be an object"),
    ],
)
def test_bad_wishes_are_refused_in_words(
    ask: UserServer, centre: dict[str, str], asked: dict[str, Any], words: str
) -> None:
    answer = ask.raw("POST", CLUSTERS, json=asked)
    assert answer.status_code == 409
    assert words in answer.json()["message"]
    assert answer.json()["hint"]
    assert running(centre) == []


def test_strangers_and_other_numbers_find_nothing(ask: UserServer) -> None:
    assert ask.raw("GET", f"{CLUSTERS}/{'0' * 36}").status_code == 404
    assert ask.raw("DELETE", f"{CLUSTERS}/{'0' * 36}").status_code == 404
    for method, path in (("GET", CLUSTERS), ("POST", CLUSTERS), ("GET", f"{CLUSTERS}/{'0' * 36}")):
        answer = requests.request(method, ask.url + path, allow_redirects=False, timeout=minutes(2))
        assert answer.status_code in (302, 403), path


def test_without_a_centre_there_is_nothing(tmp_path: Path) -> None:
    with server(tmp_path, keep=("dask_labextension",)) as ask:
        assert ask.raw("GET", CLUSTERS).status_code == 404


def test_the_browser_s_module_is_of_this_release() -> None:
    from geodes_datalab import __version__

    assert PACKAGE["version"] == __version__


LOAD = """
globalThis.window = {};
const lack = process.argv[2];
const names = { apputils: "ICommandPalette", statusbar: "IStatusBar", notebook: "INotebookTracker" };
const library = name => ({ "1": { get: async () => () => ({ [names[name]]: names[name] }) } });
const known = Object.keys(names).filter(name => name !== lack);
import(process.argv[1]).then(async () => {
    const one = window._JUPYTERLAB["geodes-datalab"];
    one.init(Object.fromEntries(known.map(name => [`@jupyterlab/${name}`, library(name)])));
    const { default: plugins } = (await one.get("./extension"))();
    console.log(JSON.stringify(plugins.map(each => [each.id, each.autoStart, each.requires || each.optional])));
});
"""
PLUGINS = {
    "apputils": ["geodes-datalab:hpda", True, ["ICommandPalette"]],
    "statusbar": ["geodes-datalab-home:usage", True, ["IStatusBar"]],
    "notebook": ["geodes-datalab-dask:panel", True, ["INotebookTracker"]],
}


@pytest.mark.parametrize("lack", ["", *PLUGINS])
def test_a_plugin_that_cannot_be_made_keeps_no_other_back(lack: str) -> None:
    node = shutil.which("node") or shutil.which("node", path="/usr/local/bin:/usr/bin")
    if node is None:
        pytest.skip("no node (Debian: nodejs)")
    module = EXTENSION / PACKAGE["jupyterlab"]["_build"]["load"]
    done = subprocess.run(
        [node, "-e", LOAD, str(module), lack],
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=minutes(2),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [one for name, one in PLUGINS.items() if name != lack]
    assert (f"shares no @jupyterlab/{lack}" in done.stderr) is bool(lack)

"""Dask on Slurm without a Slurm: settings, options, accounts, squeue's lines, words, files."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dask_gateway_server.models import User
from traitlets.config import Config

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.hub import gateway as hub_gateway
from geodes_datalab.hub import load
from geodes_datalab.hub.gateway.limits import Refused
from geodes_datalab.hub.gateway.slurm import launcher, queue, site, words
from geodes_datalab.hub.gateway.slurm.accounts import Mapping
from geodes_datalab.hub.gateway.slurm.options import cluster_options
from geodes_datalab.hub.gateway.slurm.watch import Watch
from geodes_datalab.settings import Accounts

ME = "gateway"
ACCOUNTS = {"root": 0, "daemon": 1, ME: 998, "ada": 1001}
"""Of a centre's login node."""


@pytest.fixture
def login_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give this machine the accounts of a login node; the gateway runs under one of them."""
    entries = {name: SimpleNamespace(pw_name=name, pw_uid=uid) for name, uid in ACCOUNTS.items()}
    monkeypatch.setattr(pwd, "getpwnam", entries.__getitem__)
    monkeypatch.setattr(pwd, "getpwuid", {os.getuid(): entries[ME]}.__getitem__)


def values(**slurm: Any) -> dict[str, Any]:
    return {"gateway": {"kind": "slurm", "slurm": slurm}}


def chosen(slurm: dict[str, Any], **request: Any) -> dict[str, Any]:
    settings = load(values(**slurm))
    assert settings.gateway.slurm is not None
    options = cluster_options(settings, settings.gateway.slurm)
    found: dict[str, Any] = options.get_configuration(options.parse_options(request), User("ada"))
    return found


def test_the_first_partition_is_the_default_and_time_is_minutes() -> None:
    found = chosen({"partitions": ["cpu", "gpu"]}, walltime="1-00:00:00")
    assert (found["partition"], found["minutes"]) == ("cpu", 1440)
    assert chosen({})["minutes"] == 120
    assert "partition" not in chosen({})


@pytest.mark.parametrize(
    ("slurm", "said"),
    [
        ({"launcher": "direct"}, "belong together"),
        ({"extra_options": {"wrap": ".*"}}, "cannot be given to users"),
        ({"extra_options": {"export": ".*"}}, "cannot be given to users"),
        ({"accounts": {"kind": "regex", "pattern": "x"}}, "group called account"),
        ({"walltime_minutes": 99999}, "walltime_minutes is larger"),
        ({"partitions": ["cpu --wrap=id"]}, "partitions"),
    ],
)
def test_settings_that_cannot_be_are_refused(slurm: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        load(values(**slurm))


def test_all_addresses_at_once_are_refused() -> None:
    wrong = values()
    wrong["gateway"]["proxy_address"] = "0.0.0.0:8443"
    with pytest.raises(ConfigurationError, match="name one address of the login node"):
        load(wrong)


def test_a_centre_over_a_network_is_asked_by_tls_only() -> None:
    hpda = {"enabled": True, "address": "http://login.hpc:1", "scheduler_address": "login.hpc:2"}
    with pytest.raises(ConfigurationError, match="must begin with https"):
        load({"hpda": hpda})


@pytest.mark.parametrize(
    ("rule", "user", "account"),
    [
        ({"kind": "own"}, "anybody", ME),
        ({"kind": "regex", "pattern": "(?P<account>[a-z]+)@cnes[.]fr"}, "ada@cnes.fr", "ada"),
        ({"kind": "table", "table": {"Ada L.": "ada"}}, "Ada L.", "ada"),
        ({"kind": "identity"}, "ada", "ada"),
    ],
)
@pytest.mark.usefixtures("login_node")
def test_users_are_mapped(rule: dict[str, Any], user: str, account: str) -> None:
    assert Mapping(Accounts(**rule)).account(user) == account


@pytest.mark.parametrize("user", ["root", "daemon", ME, "bob", "../x", "", "-u root"])
@pytest.mark.usefixtures("login_node")
def test_others_are_refused_in_words(user: str) -> None:
    with pytest.raises(Refused, match="the HPC has no account"):
        Mapping(Accounts()).account(user)


def test_a_number_without_an_account_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    with pytest.raises(Refused, match="the HPC has no account for the user 'ada'"):
        Mapping(Accounts(kind="own")).account("ada")


def test_jobs_of_others_are_not_ours() -> None:
    line = "7|RUNNING|None|N/A|0:10|2|n1|ada|normal|12|"
    assert queue.parse(line + "geodes-datalab:" + "a" * 32) is not None
    for comment in ("", "geodes-datalab:short", f"x geodes-datalab:{'a' * 32}"):
        assert queue.parse(line + comment) is None


def test_a_number_that_another_cluster_has_by_now_is_not_ours() -> None:
    ours, other, gone = "a" * 32, "b" * 32, "c" * 32
    lines = [
        f"7_{n}|RUNNING|None|N/A|0:10|2|n1|ada|normal|12|geodes-datalab:{ours}" for n in (0, 1)
    ]
    lines.append(f"8|PENDING|None|N/A|0:00|2||ada|normal|12|geodes-datalab:{other}")
    jobs = [job for line in lines if (job := queue.parse(line))]
    watch = Watch(backend=None, look=queue.Look(0.0, {job.id: job for job in jobs}))
    cluster = SimpleNamespace(name=ours, state={"job_id": "8", "submitted": -60.0})
    assert watch.own(cluster, ["7", "7_1", "8", "8_0", "9"]) == ["7", "7_1", "9"]
    assert watch.job(cluster) is None
    assert watch.forgotten(cluster)
    worker = SimpleNamespace(cluster=cluster, state={"job_id": "7_1"})
    assert watch.job(worker) == jobs[1]
    assert watch.own(SimpleNamespace(name=gone), ["7", "9"]) == ["9"]


@pytest.mark.parametrize("state", ["NODE_FAIL", "PREEMPTED", "TIMEOUT", "CANCELLED", "NEW_STATE"])
def test_every_end_has_words(state: str) -> None:
    assert len(words.ended(state, "n1")) > 15
    assert "(on n1)" in words.ended(state, "n1")


def test_applying_twice_is_applying_once() -> None:
    first, second = Config(), Config()
    hub_gateway.apply(load(values()), first)
    hub_gateway.apply(load(values()), second)
    hub_gateway.apply(load(values()), second)
    assert first.DBBackendBase == second.DBBackendBase
    assert first.DaskGateway.backend_class.endswith("SlurmBackend")


def test_the_files_for_root_are_written_and_obeyed(tmp_path: Path) -> None:
    """The launcher starts without our package, and obeys its file."""
    config = tmp_path / "launcher.json"
    settings = tmp_path / "gateway.json"
    settings.write_text(json.dumps(values(launcher_config=str(config))))
    site.main([f"--settings={settings}", f"--into={tmp_path}", f"--python={sys.executable}"])
    rule = (tmp_path / "sudoers").read_text()
    assert (
        'dask ALL=(%datalab,!root) NOPASSWD: /usr/local/libexec/geodes-datalab-launcher ""' in rule
    )
    launcher = tmp_path / "geodes-datalab-launcher"
    assert ask(launcher, {"action": "check"}) == expected_check()
    config.chmod(0o666)
    assert "writable by root alone" in ask(launcher, {"action": "check"})["error"]


def test_waiting_for_workers_is_no_idleness_to_schedulers() -> None:
    words = " ".join(launcher.scheduler_words({"heartbeat": 15, "adaptive": 3, "idle": 1800.0}))
    preloads = [after for word, after in pairwise(words.split()) if word == "--preload"]
    idleness, service = "geodes_datalab.compute.idleness", "dask_gateway.scheduler_preload"
    assert preloads.index(idleness) < preloads.index(service)  # or it has no effect


def expected_check() -> dict[str, Any]:
    """What the launcher answers under this process's account, or under a number without one."""
    try:
        account = pwd.getpwuid(os.getuid()).pw_name
    except KeyError as error:
        return {"ok": False, "kind": "request", "error": f"KeyError: {error}"}
    return {"ok": True, "account": account, "instance": "datalab"}


def ask(launcher: Path, request: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run([launcher], input=json.dumps(request), capture_output=True, text=True)
    return dict(json.loads(done.stdout))

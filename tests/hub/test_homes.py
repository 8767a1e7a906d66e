"""Homes from outside: real files, a real hub, a real proxy, the real service."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from support.ports import free_ports
from support.proxy import PublicProxy
from support.waiting import Hopeless, eventually, minutes
from traitlets.config import Config

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.hub import apply, load
from geodes_datalab.hub.homes import page
from geodes_datalab.hub.homes.__main__ import application
from geodes_datalab.hub.homes.audit import EVENT, Audit
from geodes_datalab.hub.homes.metrics import HomeSizes, register
from geodes_datalab.hub.homes.places import MOST, Entry, Places, listed, split
from geodes_datalab.settings import HomeMetrics

CONFIG = (
    Path(sys.modules["geodes_datalab"].__file__ or "").parent / "hub/files/jupyterhub_config.py"
)
BAD = "<img src=x onerror=alert(1)>.html"
BYTES = os.fsdecode(b"caf\xe9")


def du(folder: Path) -> int:
    done = subprocess.run(["du", "-s", "-B1", str(folder)], capture_output=True, check=True)
    return int(done.stdout.split()[0])


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two homes, one of them full of tricks, and things that are none."""
    folder = tmp_path_factory.mktemp("homes")
    (folder / "ada/notebooks").mkdir(parents=True)
    (folder / "ada/notebooks/first.ipynb").write_text('{"cells": []}')
    (folder / "ada/large.bin").write_bytes(os.urandom(700_000))
    eve = folder / "eve"
    eve.mkdir()
    secret = folder.parent / "secret-of-the-pod"
    secret.write_text("hunter2")
    (eve / "to-file").symlink_to(secret)
    (eve / "to-folder").symlink_to(folder.parent)
    (eve / "to-ada").symlink_to("../ada")
    (eve / "deep").mkdir()
    (eve / "deep/up").symlink_to("../../ada/notebooks")
    os.mkfifo(eve / "pipe")
    (eve / BAD).write_text("<script>alert(document.cookie)</script>")
    (eve / BYTES).write_text("bytes")
    (eve / "two\nlines").write_text("x")
    (folder / "mallory").symlink_to("/etc")
    (folder / ".snapshot").mkdir()
    (folder / "lost+found").mkdir()
    (folder / "a-file").write_text("no home")
    return folder


def test_homes_are_folders_that_fit_the_template(homes: Path, tmp_path: Path) -> None:
    assert Places(homes).names() == ["ada", "eve"]
    for path in ("users/ada-x/home", "users/bob/home", "shared/ada/home", "users/.hid/home"):
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / "users/away").symlink_to(tmp_path / "shared")
    fixed, rest = split("users/{username}/home")
    assert (fixed, rest) == ("users", "{username}/home")
    for found in (Places(tmp_path / fixed, rest), Places(tmp_path, "/users//{username}/home")):
        assert found.names() == ["ada-x", "bob"]
        with found.opened("bob") as opened:
            assert os.path.samestat(os.fstat(opened), (tmp_path / "users/bob/home").stat())
    assert Places(tmp_path, "later/{username}").names() == [], "the first home is still to be made"
    with pytest.raises(FileNotFoundError):
        Places(tmp_path / "no-claim").names()
    (tmp_path / "linked").symlink_to("users")
    with pytest.raises(OSError, match="linked"):
        Places(tmp_path, "linked/{username}").names()
    assert Places(tmp_path, "{userid}/{username}/home").names() == [
        "shared/ada",
        "users/ada-x",
        "users/bob",
    ]
    assert Places(tmp_path / "users", "{username}-x").names() == ["ada-x"]


@pytest.mark.parametrize(
    ("home", "path"),
    [
        ("mallory", ()),
        ("mallory", ("passwd",)),
        ("eve", ("to-file",)),
        ("eve", ("to-folder", "secret-of-the-pod")),
        ("eve", ("to-ada", "large.bin")),
        ("eve", ("deep", "up", "first.ipynb")),
        ("eve", ("..", "ada", "large.bin")),
        ("eve", ("../ada/large.bin",)),
        ("eve", ("deep", "", "..")),
        ("eve", ("/etc/passwd",)),
        ("eve", ("deep\0",)),
        ("..", ()),
        (".snapshot", ()),
        ("", ("ada",)),
        ("ada/notebooks", ()),
        ("a-file", ()),
        ("eve", ("pipe", "x")),
    ],
)
def test_nothing_leads_out_of_a_home(homes: Path, home: str, path: tuple[str, ...]) -> None:
    with pytest.raises(OSError), Places(homes).opened(home, path):  # noqa: PT011  # any
        pass


@given(
    st.lists(
        st.sampled_from(["..", ".", "", "/", "to-ada", "to-folder", "deep", "up", "eve", "ada"]),
        max_size=6,
    )
)
def test_no_path_leads_out_of_a_home(homes: Path, path: list[str]) -> None:
    """Whatever is opened lies in the home, as the kernel tells by the descriptor."""
    try:
        with Places(homes).opened("eve", tuple(path)) as opened:
            real = Path(f"/proc/self/fd/{opened}").readlink()
    except OSError:
        return
    assert real == homes / "eve" or homes / "eve" in real.parents


def test_a_folder_tells_links_from_files(homes: Path) -> None:
    with Places(homes).opened("eve") as opened:
        found = {entry.name: entry for entry in listed(opened)}
    assert found["to-ada"].kind == "link"
    assert found["to-ada"].target == "../ada"
    assert {name for name, entry in found.items() if entry.kind == "other"} == {"pipe"}
    assert found[BAD].kind == "file"
    assert next(iter(found)) == "deep", "folders first"
    text = page.folder("/services/homes/", "eve", (), list(found.values()))
    assert "<img" not in text
    assert "caf%E9" not in text, "no proxy carries it"
    assert "its name is no plain text" in text


def test_a_crowded_folder_is_shown_in_part(tmp_path: Path) -> None:
    for number in range(MOST + 10):
        (tmp_path / str(number)).touch()
    opened = os.open(tmp_path, os.O_RDONLY)
    try:
        entries = listed(opened)
    finally:
        os.close(opened)
    assert len(entries) == MOST
    assert "Only 5000 things" in page.folder("/", "ada", (), entries)


def samples(registry: CollectorRegistry) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[sample.labels.get("home", "")] = sample.value
    return found


def test_a_folder_is_shown_whatever_year_its_files_are_of() -> None:
    """Calendars end before what some file systems keep, and anybody sets it: ``touch -d @1e12``."""
    odd = {"kept": 1e9, "year-33658": 1e12, "year-1199-before": -1e11, "never": 9e15, "early": -1.0}
    entries = [Entry(name, "file", 1, changed) for name, changed in odd.items()]
    shown = page.folder("/services/homes/", "eve", (), entries)
    assert all(f">{name}<" in shown for name in odd)
    assert "2001-09-09 01:46" in shown
    assert "1969-12-31 23:59" in shown


def test_metrics_outlive_a_home_whose_name_is_no_text(tmp_path: Path) -> None:
    """One folder of an old file server must not take the figures of all others, nor the hub's own."""
    for name in ("ada", BYTES, 'we"ird\nname', "été"):
        (tmp_path / name).mkdir()
    registry, found = CollectorRegistry(), HomeSizes(Places(tmp_path), HomeMetrics(enabled=True))
    registry.register(found)
    found.begin()
    assert found.wait(minutes(2))
    text = generate_latest(registry).decode()
    families = {one.name: one for one in text_string_to_metric_families(text)}
    told = {sample.labels["home"] for sample in families["geodes_datalab_home_files"].samples}
    assert told == {"ada", "caf\\xe9", 'we"ird\nname', "été"}


def test_metrics_tell_every_home_and_measure_seldom(homes: Path) -> None:
    registry = CollectorRegistry()
    sizes = HomeSizes(Places(homes), HomeMetrics(share=1))
    registry.register(sizes)
    assert "geodes_datalab_home_used_bytes" not in samples(CollectorRegistry())
    samples(registry)
    assert sizes.wait(minutes(1))
    found = samples(registry)
    used = found["geodes_datalab_home_used_bytes"]
    assert used == {name: du(homes / name) for name in ("ada", "eve")}
    assert found["geodes_datalab_home_complete"] == {"ada": 1, "eve": 1}
    newest = max(path.lstat().st_mtime for path in (homes / "ada").rglob("*"))
    assert found["geodes_datalab_home_changed_timestamp_seconds"]["ada"] == pytest.approx(newest)
    volume = os.statvfs(homes)
    assert found["geodes_datalab_homes_volume_size_bytes"][""] == volume.f_blocks * volume.f_frsize
    (homes / "ada/more").write_bytes(os.urandom(100_000))
    samples(registry)
    assert sizes.wait(minutes(1))
    assert samples(registry)["geodes_datalab_home_used_bytes"] == used, "not again within hours"
    (homes / "ada/more").unlink()


def test_metrics_forget_a_home_that_is_gone_and_live_without_storage(tmp_path: Path) -> None:
    for name in ("ada", "bob"):
        (tmp_path / "claim" / name).mkdir(parents=True)
    registry = CollectorRegistry()
    sizes = HomeSizes(Places(tmp_path / "claim"), HomeMetrics(every_minutes=1e-9, share=1))
    registry.register(sizes)

    def told() -> dict[str, dict[str, float]]:
        samples(registry)
        assert sizes.wait(minutes(1))
        return samples(registry)

    assert set(told()["geodes_datalab_home_files"]) == {"ada", "bob"}
    assert sizes.wait(minutes(1))
    (tmp_path / "claim/bob").rmdir()
    assert set(told()["geodes_datalab_home_files"]) == {"ada"}
    assert sizes.wait(minutes(1))
    (tmp_path / "claim").rename(tmp_path / "away")
    found = told()
    assert set(found["geodes_datalab_home_files"]) == {"ada"}, "what was known stays known"
    assert found["geodes_datalab_homes_failed_total"][""] >= 1


def test_the_hub_of_one_machine_tells_sizes_itself(values: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "homes/ada").mkdir(parents=True)
    values["homes"] = {"metrics": {"enabled": True}}
    registry = CollectorRegistry()
    for _ in range(2):  # applied twice, told once
        sizes = register(load(values), registry)
    samples(registry)
    assert sizes.wait(minutes(1))
    assert set(samples(registry)["geodes_datalab_home_files"]) == {"ada"}


@pytest.mark.parametrize("metrics", [True, False])
def test_hubs_metrics_hold_homes_only_where_it_starts_servers_itself(
    values: dict[str, Any], pods: dict[str, Any], metrics: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        "geodes_datalab.hub.homes.metrics.register", lambda told: asked.append(told.spawner.kind)
    )
    pods["homes"] = {"metrics": {"enabled": metrics}}
    apply(load(pods), Config())
    assert asked == []
    pods["spawner"] = {"homes": "homes"}
    pods["gateway"]["kind"] = "local"
    apply(load(pods), Config())
    assert asked == (["local"] if metrics else [])


# --- the view, behind a real hub and a real proxy -----------------------------------------------


@dataclass
class Site:
    """A hub, a proxy and the service."""

    address: str
    service: str
    homes: Path
    log: Path

    def session(self, name: str) -> requests.Session:
        """A browser after log-in."""
        session = requests.Session()
        session.headers["Sec-Fetch-Mode"] = "navigate"
        url = f"{self.address}/hub/login"
        session.get(url, timeout=minutes(2))
        form = {
            "username": name,
            "password": "a" * 32 if name == "root" else "user-password",
            "_xsrf": session.cookies.get("_xsrf", path="/hub/"),
        }
        answer = session.post(f"{url}?next=/hub/home", data=form, timeout=minutes(2))
        assert answer.ok, answer.text
        return session

    def get(self, session: requests.Session, path: str = "", **more: Any) -> requests.Response:
        url = f"{self.address}/services/homes/{path}"
        return session.get(url, timeout=minutes(2), **more)

    def lines(self) -> list[dict[str, Any]]:
        """What the log tells of who looked."""
        found = [json.loads(x) for x in self.log.read_text().splitlines() if x.startswith("{")]
        return [line for line in found if line.get("event") == EVENT]


@contextmanager
def process(folder: Path, name: str, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "GEODES_DATALAB_SETTINGS": str(folder / "settings.json"),
    }
    with (folder / f"{name}.log").open("wb") as log:
        started = subprocess.Popen(
            [sys.executable, *command], env=environment, stdout=log, stderr=log, cwd=folder
        )
        try:
            yield started
        finally:
            started.send_signal(signal.SIGTERM)
            started.wait(minutes(2))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, homes: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    hub_port, port = free_ports(2)
    with PublicProxy() as proxy:
        texts = {
            "proxy": proxy.token,
            "password": "user-password",
            "admin": "a" * 32,
            "view": "view-secret",
            "monitoring": "monitoring-secret",
            "tester": "tester-secret",
        }
        for name, text in texts.items():
            (folder / name).write_text(text)
        (folder / "settings.json").write_text(
            json.dumps(settings(folder, homes, proxy, hub_port, port))
        )
        with (
            process(folder, "hub", "-m", "jupyterhub", "--config", str(CONFIG)) as hub,
            process(folder, "homes", "-m", "geodes_datalab.hub.homes") as service,
        ):
            made = Site(
                f"http://127.0.0.1:{proxy.port}",
                f"http://127.0.0.1:{port}",
                homes,
                folder / "homes.log",
            )

            def up() -> bool:
                for one in (hub, service):
                    if one.poll() is not None:
                        raise Hopeless(f"it ended with {one.returncode}")
                asked = (f"{made.address}/hub/health", f"{made.service}/health")
                return all(requests.get(url, timeout=minutes(1)).ok for url in asked)

            scene = lambda: (folder / "hub.log").read_text() + made.log.read_text()  # noqa: E731
            eventually(up, "hub and service answer", within=5, scene=scene)
            yield made


def settings(
    folder: Path, homes: Path, proxy: PublicProxy, hub_port: int, port: int
) -> dict[str, Any]:
    def secret(name: str) -> dict[str, str]:
        return {"file": str(folder / name)}

    return {
        "hub": {
            "public_url": f"http://127.0.0.1:{proxy.port}/",
            "bind_url": f"http://127.0.0.1:{hub_port}",
            "monitoring_token": secret("monitoring"),
            "services": {"tester": {"api_token": secret("tester")}},
            "load_roles": {
                "tester": {
                    "services": ["tester"],
                    "scopes": ["access:services!service=homes", "admin:users", "read:users"],
                },
                # What an operator may do by mistake: the service's scope for somebody else.
                "helpers": {"scopes": ["access:services!service=homes"], "users": ["helper"]},
            },
        },
        "proxy": {"api_url": proxy.api_url, "token": secret("proxy")},
        "auth": {
            "password": secret("password"),
            "admin_password": secret("admin"),
            "admins": ["root"],
        },
        "spawner": {"homes": str(homes)},
        "gateway": {"enabled": False},
        "cull": {"enabled": False},
        "homes": {
            "folder": str(homes),
            "port": port,
            "metrics": {"enabled": True, "share": 1},
            "view": {
                "enabled": True,
                "token": secret("view"),
                "url": f"http://127.0.0.1:{port}",
            },
        },
    }


def test_an_administrator_looks_and_it_is_noted(site: Site) -> None:
    root = site.session("root")
    assert ">ada<" in site.get(root).text
    listing = site.get(root, "home/ada/")
    assert "notebooks/" in listing.text
    assert listing.headers["Content-Security-Policy"].startswith("default-src 'none'")
    link = re.search(r'href="([^"]+)">notebooks/', listing.text)
    assert link
    below = root.get(site.address + link[1], timeout=minutes(2)).text
    assert "first.ipynb" in below
    assert site.get(root, "home/ada/notebooks/first.ipynb?text").text == '{"cells": []}'
    large = site.get(root, "home/ada/large.bin")
    assert large.content == (site.homes / "ada/large.bin").read_bytes()
    assert large.headers["Content-Type"] == "application/octet-stream"
    noted = [(x["admin"], x["action"], x["home"], x["path"], x["outcome"]) for x in site.lines()]
    for line in (
        ("root", "homes", "", "", "shown"),
        ("root", "list", "ada", "", "shown"),
        ("root", "read", "ada", "notebooks/first.ipynb", "shown"),
        ("root", "read", "ada", "large.bin", "shown"),
    ):
        assert line in noted
    assert all(x["address"].startswith("127.0.0.1") and x["time"] for x in site.lines())
    assert "first.ipynb" not in "".join(
        line for line in site.log.read_text().splitlines() if not line.startswith("{")
    ), "no other line of the log names files"


def test_who_looks_cannot_push_the_own_address_out_of_the_line(site: Site) -> None:
    root = site.session("root")
    forged = {"X-Forwarded-For": ", ".join(["192.0.2.1"] * 40)}
    assert site.get(root, "home/ada/", headers=forged).ok
    assert site.lines()[-1]["address"].endswith("127.0.0.1")


@pytest.mark.parametrize("name", ["carla", "helper"])
def test_nobody_else_gets_in(site: Site, name: str) -> None:
    """Neither a user, nor one to whom an operator gave the service's scope: refused by hub or view."""
    site.session(name)  # known, so that the role finds its user
    session = site.session(name)
    for path in ("", "home/ada/", "home/ada/notebooks/first.ipynb", f"home/{name}/"):
        answer = site.get(session, path)
        assert answer.status_code == 403, (path, answer.text)
        assert "cells" not in answer.text
    assert not [x for x in site.lines() if x["admin"] == name and x["outcome"] != "refused"]


def test_a_stranger_is_sent_to_the_log_in(site: Site) -> None:
    answer = site.get(requests.Session(), "home/ada/", allow_redirects=False)
    assert answer.status_code == 302
    assert "/hub/api/oauth2/authorize" in answer.headers["Location"]
    direct = requests.get(
        f"{site.service}/services/homes/home/ada/", allow_redirects=False, timeout=minutes(2)
    )
    assert direct.status_code == 302, "past the proxy too"


def test_a_token_of_a_service_is_no_person(site: Site) -> None:
    headers = {"Authorization": "token tester-secret"}
    answer = requests.get(f"{site.address}/services/homes/", headers=headers, timeout=minutes(2))
    assert answer.status_code == 403
    assert {x["outcome"] for x in site.lines() if x["admin"] == "tester"} == {"refused"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("home/eve/to-file", 403),
        ("home/eve/to-file?text", 403),
        ("home/eve/to-folder/", 403),
        ("home/eve/to-ada/large.bin", 403),
        ("home/eve/deep/up/first.ipynb", 403),
        ("home/eve/pipe", 403),
        ("home/eve/%2e%2e%2fada%2flarge.bin", 404),
        ("home/eve/deep%00", 404),
        ("home/mallory/", 403),
        ("home/mallory/passwd", 403),
        ("home/..%2fsecret-of-the-pod", 404),
        ("home/.snapshot/", 404),
        ("home/", 404),
        ("home/nobody/", 404),
        ("home/a-file", 403),
    ],
)
def test_no_address_leads_out_of_a_home(site: Site, path: str, status: int) -> None:
    root = site.session("root")
    before = len(site.lines())
    answer = site.get(root, path)
    assert answer.status_code == status, answer.text
    assert "hunter2" not in answer.text
    assert "root:" not in answer.text
    line = site.lines()[-1]
    assert len(site.lines()) > before
    assert line["admin"] == "root"
    assert line["outcome"] == {403: "refused", 404: "absent"}[status]


def test_what_a_user_wrote_never_runs_in_the_browser_of_an_administrator(site: Site) -> None:
    root = site.session("root")
    listing = site.get(root, "home/eve/")
    assert "<img" not in listing.text
    for name, more in ((BAD, ""), (BAD, "?text")):
        answer = site.get(root, f"home/eve/{requests.utils.quote(name)}{more}")
        assert answer.ok
        assert "html" not in answer.headers["Content-Type"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        disposition = answer.headers.get("Content-Disposition", "")
        assert disposition.startswith("attachment") is (more == "")


def test_odd_names_are_read_and_stay_one_line_of_the_log(site: Site) -> None:
    root = site.session("root")
    assert site.get(root).ok
    (root_cookies := requests.Session()).cookies.update(root.cookies)
    url = f"{site.service}/services/homes/home/eve/caf%E9"
    direct = root_cookies.get(url, headers={"Sec-Fetch-Mode": "navigate"}, timeout=minutes(2))
    assert direct.text == "bytes", "past the proxy, which knows UTF-8 only"
    assert site.lines()[-1]["path"] == BYTES
    assert site.get(root, "home/eve/two%0Alines").text == "x"
    assert site.lines()[-1]["path"] == "two\nlines"


def test_nothing_can_be_written(site: Site) -> None:
    root = site.session("root")
    for method in ("POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"):
        url = f"{site.address}/services/homes/home/ada/large.bin"
        assert root.request(method, url, timeout=minutes(2)).status_code == 405, method
    assert (site.homes / "ada/large.bin").stat().st_size == 700_000


def test_metrics_need_the_monitoring_token(site: Site) -> None:
    url = f"{site.service}/metrics"
    for token in ("", "view-secret", "monitoring-secre", "tester-secret"):
        headers = {"Authorization": f"Bearer {token}"}
        assert requests.get(url, headers=headers, timeout=minutes(2)).status_code == 401
    right = {"Authorization": "Bearer monitoring-secret"}

    def measured() -> bool:
        text = requests.get(url, headers=right, timeout=minutes(2)).text
        return 'geodes_datalab_home_used_bytes{home="eve"}' in text

    eventually(measured, "homes are measured")
    assert requests.get(f"{site.address}/metrics", timeout=minutes(2)).status_code != 200
    session = site.session("root")
    assert "geodes_datalab_home_" not in site.get(session, "metrics").text


# --- switched off, or half set --------------------------------------------------------------------


def test_off_is_off(values: dict[str, Any]) -> None:
    """The default: the hub knows no such service, and the service itself refuses to run."""
    c = Config()
    apply(load(values), c)
    assert "homes" not in {one["name"] for one in c.JupyterHub.services}
    with pytest.raises(ConfigurationError, match="nothing to do"):
        application(load(values))


def test_the_view_is_a_service_with_the_least_rights(values: dict[str, Any], secret: Any) -> None:
    values["homes"] = {
        "folder": "/homes",
        "view": {"enabled": True, "url": "http://homes:8000", "token": secret("view-secret")},
    }
    c = Config()
    apply(load(values), c)
    (found,) = (one for one in c.JupyterHub.services if one["name"] == "homes")
    assert found == {
        "name": "homes",
        "url": "http://homes:8000",
        "api_token": "view-secret",
        "oauth_no_confirm": True,
        "oauth_client_allowed_scopes": ["read:users:name!user"],
    }
    assert not [role for role in c.JupyterHub.load_roles if "homes" in role.get("services", [])]


@pytest.mark.parametrize("missing", ["url", "token", "folder"])
def test_a_view_that_is_half_set_is_refused(
    values: dict[str, Any], secret: Any, missing: str
) -> None:
    view = {"enabled": True, "url": "http://homes:8000", "token": secret("view-secret")}
    view.pop(missing, None)
    values["homes"] = {"view": view} | ({} if missing == "folder" else {"folder": "/homes"})
    with pytest.raises(ConfigurationError, match=r"view\.url, view\.token and folder"):
        load(values)


def test_metrics_without_their_token_are_refused(values: dict[str, Any]) -> None:
    values["homes"] = {"folder": "/homes", "metrics": {"enabled": True}}
    with pytest.raises(ConfigurationError, match=r"hub\.monitoring_token"):
        application(load(values))


def test_a_line_that_cannot_be_written_is_an_error() -> None:
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        Audit(Full()).note(person="a", action="read", outcome="shown", address="x")

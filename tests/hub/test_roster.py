"""A list of users set on a hub in use: nobody else means nobody else, with a real database."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from aiohttp import web
from jupyterhub import orm
from support.doors import Entry, entry
from support.kubernetes_api import Serving
from support.ports import free_ports
from support.waiting import Hopeless, eventually, minutes
from traitlets.config import Config

from geodes_datalab.hub import apply, load

CONFIG = Path(sys.modules["geodes_datalab"].__file__ or "").parent / "hub/files"
PASSWORD = {"username": "bob", "password": "user-password"}


class Proxy(Serving):
    """The API of the proxy: keeps no routes, forwards nothing."""

    def routes(self) -> list[web.RouteDef]:
        path = "/api/routes{path:.*}"
        return [
            web.get(path, self._none),
            web.post(path, self._done),
            web.delete(path, self._done),
        ]

    async def _none(self, _: web.Request) -> web.Response:
        return web.json_response({})

    async def _done(self, _: web.Request) -> web.Response:
        return web.Response(status=204)


# --- in this process ---------------------------------------------------------------------------


@pytest.fixture
def hubs(values: dict[str, Any], tmp_path: Path) -> Iterator[Any]:
    """Return a maker of hubs on one database: settings of the authenticator, whom it knows."""
    opened: list[Entry] = []

    def make(known: tuple[str, ...] = (), **authenticator: Any) -> Entry:
        values["auth"] |= authenticator
        c = Config()
        apply(load(values), c)
        c.JupyterHub.db_url = f"sqlite:///{tmp_path}/hub.sqlite"
        c.JupyterHub.upgrade_db = False  # it is new
        while opened:
            opened.pop().close()
        opened.append(entry(c, known))
        return opened[0]

    yield make
    for one in opened:
        one.close()


def comes(hub: Entry, name: str) -> bool:
    return hub.comes(None, PASSWORD | {"username": name}) is not None


def test_without_a_list_everybody_with_the_password_comes_in(hubs: Any) -> None:
    hub = hubs(known=("bob",))
    assert comes(hub, "bob")
    assert comes(hub, "stranger")


def test_a_list_shuts_out_whom_the_database_knows(hubs: Any) -> None:
    hubs(known=("alice", "bob"))
    hub = hubs(users=["alice"])
    assert comes(hub, "alice")
    assert not comes(hub, "bob")
    assert not comes(hub, "stranger")
    assert hub.known("bob").roles == []
    assert [role.name for role in hub.known("alice").roles] == ["user"]
    assert hub.authenticator.blocked_users == {"bob"}


def test_a_former_administrator_is_none_any_more(hubs: Any) -> None:
    hub = hubs(known=("bob",), admins=["admin", "bob"])
    assert hub.known("bob").admin
    hub = hubs(users=["alice"], admins=["admin"])
    assert not hub.known("bob").admin
    assert hub.known("admin").admin


@pytest.mark.parametrize("left", [["admin"], []], ids=["another", "none"])
def test_who_is_an_administrator_no_more_may_stay_a_user(hubs: Any, left: list[str]) -> None:
    hub = hubs(users=["bob"], admins=["admin", "bob"])
    assert {role.name for role in hub.known("bob").roles} == {"admin", "user"}
    hub = hubs(users=["bob"], admins=left)
    assert comes(hub, "bob")
    assert not hub.known("bob").admin
    assert [role.name for role in hub.known("bob").roles] == ["user"]
    assert hub.known("admin").admin is bool(left)


def test_without_a_list_too(hubs: Any) -> None:
    hubs(admins=["admin", "bob"])
    hub = hubs(admins=["admin"])
    assert not hub.known("bob").admin
    assert hub.known("admin").admin


def test_the_database_may_name_administrators_on_purpose(hubs: Any, values: dict[str, Any]) -> None:
    hubs(admins=["admin", "bob"])
    values["hub"]["config"] = {"Authenticator": {"allow_existing_users": True}}
    assert hubs(admins=["admin"]).known("bob").admin


def test_a_role_names_administrators_too(hubs: Any, values: dict[str, Any]) -> None:
    values["hub"]["load_roles"] = {"admin": {"users": ["bob"]}}
    hubs(known=("bob",), admins=["admin"])
    assert {role.name for role in hubs(admins=["admin"]).known("bob").roles} == {"admin", "user"}


def test_tokens_of_those_who_are_out_are_good_for_nothing(hubs: Any) -> None:
    from jupyterhub.scopes import get_scopes_for

    hub = hubs(known=("bob",))
    token = hub.known("bob").new_api_token()
    assert get_scopes_for(orm.APIToken.find(hub.hub.db, token))
    hub = hubs(users=["alice"])
    assert not get_scopes_for(orm.APIToken.find(hub.hub.db, token)) - {
        "read:users:name!user=bob",
        "read:users:groups!user=bob",
    }


def test_who_is_named_again_comes_back(hubs: Any) -> None:
    hubs(known=("bob",))
    hubs(users=["alice"])
    hub = hubs(users=["alice", "bob"])
    assert comes(hub, "bob")
    assert [role.name for role in hub.known("bob").roles] == ["user"]


def test_names_are_compared_as_the_hub_writes_them(hubs: Any) -> None:
    hubs(known=("bob",))
    hub = hubs(users=["BOB"])
    assert comes(hub, "Bob")
    assert hub.authenticator.blocked_users == set()


def test_the_account_of_the_check_is_kept(hubs: Any, values: dict[str, Any], secret: Any) -> None:
    values["tests"] = {"token": secret("check-secret"), "user": "datalab-check"}
    hubs(known=("datalab-check", "bob"))
    hub = hubs(users=["alice"])
    assert hub.known("datalab-check").roles
    assert not comes(hub, "datalab-check")
    assert not comes(hub, "bob")


def test_whom_the_operator_blocks_stays_blocked(hubs: Any, values: dict[str, Any]) -> None:
    values["hub"]["config"] = {"Authenticator": {"blocked_users": ["alice"]}}
    hub = hubs(known=("alice",), users=["alice", "carol"])
    assert not comes(hub, "alice")
    assert comes(hub, "carol")


def test_blocked_names_are_compared_as_the_hub_writes_them(
    hubs: Any, values: dict[str, Any]
) -> None:
    values["hub"]["config"] = {"Authenticator": {"blocked_users": ["Bob ", 1234]}}
    hub = hubs(known=("bob",))
    assert hub.authenticator.blocked_users == {"bob", "1234"}
    assert not comes(hub, "bob")
    assert not hub.known("bob").roles
    assert comes(hub, "alice")


def test_the_database_may_open_the_door_on_purpose(hubs: Any, values: dict[str, Any]) -> None:
    values["hub"]["config"] = {"Authenticator": {"allow_existing_users": True}}
    hub = hubs(known=("bob",), users=["alice"])
    assert comes(hub, "bob")
    assert not comes(hub, "stranger")


def test_a_list_in_python_is_a_list_too(hubs: Any, values: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "extra").mkdir()
    (tmp_path / "extra" / "own.py").write_text("c.Authenticator.allowed_users = {'alice'}")
    values["hub"]["extra_config_folder"] = str(tmp_path / "extra")
    hub = hubs(known=("bob",))
    assert comes(hub, "alice")
    assert not comes(hub, "bob")
    assert not comes(hub, "stranger")


def test_another_authenticator_by_python_is_closed_too(
    hubs: Any, values: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "extra").mkdir()
    own = tmp_path / "extra" / "own.py"
    values["hub"]["extra_config_folder"] = str(tmp_path / "extra")
    for name in ("dummy", "support.own_authenticator.Everybody"):
        own.write_text(f"c.JupyterHub.authenticator_class = {name!r}")
        hub = hubs()
        assert not comes(hub, "stranger"), name
        own.write_text(
            f"c.JupyterHub.authenticator_class = {name!r}\nc.Authenticator.allow_all = True"
        )
        hub = hubs()
        assert comes(hub, "stranger"), name


def test_a_class_that_is_open_by_a_plain_attribute_is_closed_too(
    hubs: Any, values: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "extra").mkdir()
    (tmp_path / "extra" / "own.py").write_text(
        "from support.own_authenticator import Everybody\n"
        "class Open(Everybody):\n    allow_all = True\n"
        "c.JupyterHub.authenticator_class = Open"
    )
    values["hub"]["extra_config_folder"] = str(tmp_path / "extra")
    assert not comes(hubs(), "stranger")
    assert comes(hubs(users=["alice"]), "alice")


def test_names_are_written_once_by_a_class_of_the_sites_own(
    hubs: Any, values: dict[str, Any], tmp_path: Path
) -> None:
    """It shut out the very people whom the operator named."""
    (tmp_path / "extra").mkdir()
    (tmp_path / "extra" / "own.py").write_text(
        "from support.own_authenticator import Everybody\n"
        "class Prefixed(Everybody):\n"
        "    def normalize_username(self, name):\n"
        "        return 'site-' + super().normalize_username(name)\n"
        "c.JupyterHub.authenticator_class = Prefixed"
    )
    values["hub"]["extra_config_folder"] = str(tmp_path / "extra")
    hub = hubs(known=("site-alice", "site-bob"), users=["alice"], admins=["Root"])
    assert [comes(hub, name) for name in ("alice", "root", "bob")] == [True, True, False]
    assert hub.authenticator.blocked_users == {"site-bob"}


def test_another_authenticator_by_a_trait_is_closed_too(hubs: Any, values: dict[str, Any]) -> None:
    name = "support.own_authenticator.Everybody"
    values["hub"]["config"] = {"JupyterHub": {"authenticator_class": name}}
    assert not comes(hubs(), "stranger")


# --- a running hub -----------------------------------------------------------------------------


class Running:
    """A hub as a process, asked as browsers and programs do."""

    def __init__(self, address: str, log: Path) -> None:
        self.address, self.log = address, log

    def log_in(self, name: str) -> requests.Session | None:
        session = requests.Session()
        session.get(f"{self.address}/hub/login", timeout=minutes(2))
        form = PASSWORD | {"username": name, "_xsrf": session.cookies["_xsrf"]}
        url = f"{self.address}/hub/login?next=%2Fhub%2Fhome"
        answer = session.post(url, data=form, allow_redirects=False, timeout=minutes(2))
        return session if answer.status_code == 302 else None

    def home(self, session: requests.Session) -> requests.Response:
        return session.get(f"{self.address}/hub/home", timeout=minutes(2))

    def api(self, token: str, path: str) -> requests.Response:
        headers = {"Authorization": f"token {token}"}
        return requests.get(f"{self.address}/hub/api{path}", headers=headers, timeout=minutes(2))


@contextmanager
def running(folder: Path, proxy: Proxy, **authenticator: Any) -> Iterator[Running]:
    """Run a hub on the database of this folder."""
    (port,) = free_ports(1)
    for name, text in (("password", "user-password"), ("cookie", "ab" * 32), ("proxy", "x" * 32)):
        (folder / name).write_text(text)
    settings = {
        "hub": {
            "public_url": "http://127.0.0.1/",
            "bind_url": f"http://127.0.0.1:{port}",
            "db": {"url": f"sqlite:///{folder}/hub.sqlite"},
            "cookie_secret": {"file": str(folder / "cookie")},
        },
        "proxy": {"api_url": proxy.address, "token": {"file": str(folder / "proxy")}},
        "auth": {"password": {"file": str(folder / "password")}, **authenticator},
        "spawner": {"homes": str(folder / "homes")},
        "gateway": {"enabled": False},
        "cull": {"enabled": False},
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "GEODES_DATALAB_SETTINGS": str(folder / "settings.json"),
    }
    command = [sys.executable, "-m", "jupyterhub", "--config", str(CONFIG / "jupyterhub_config.py")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
    found = Running(f"http://127.0.0.1:{port}", folder / "log")

    def answers() -> bool:
        if process.poll() is not None:
            raise Hopeless(f"it ended with {process.returncode}")
        return requests.get(f"{found.address}/hub/health", timeout=minutes(1)).ok

    try:
        eventually(answers, "the hub answers", within=3, scene=found.log.read_text)
        yield found
    finally:
        process.terminate()
        process.wait(minutes(2))


def test_cookies_and_tokens_of_those_who_are_out_end_with_the_list(tmp_path: Path) -> None:
    with Proxy() as proxy:
        with running(tmp_path, proxy) as hub:
            session = hub.log_in("bob")
            assert session is not None
            xsrf = {"X-XSRFToken": session.cookies["_xsrf"]}
            url = f"{hub.address}/hub/api/users/bob/tokens?_xsrf={session.cookies['_xsrf']}"
            answer = session.post(url, json={}, headers=xsrf, timeout=minutes(2))
            assert answer.ok, answer.text
            token = answer.json()["token"]
            assert hub.api(token, "/user").json()["name"] == "bob"
            assert hub.home(session).url.endswith("/hub/home")
        with running(tmp_path, proxy, users=["alice"]) as hub:
            assert hub.log_in("alice") is not None
            assert hub.log_in("bob") is None
            assert hub.home(session).url.partition("?")[0].endswith("/hub/login")
            assert hub.api(token, "/user").status_code == 403
            assert hub.api(token, "/users/bob").status_code == 403
        with running(tmp_path, proxy, users=["alice", "bob"]) as hub:
            assert hub.log_in("bob") is not None
            assert hub.api(token, "/user").json()["name"] == "bob"


def test_a_name_that_cannot_be_one_is_told(tmp_path: Path) -> None:
    with Proxy() as proxy, running(tmp_path, proxy) as hub:
        session = requests.Session()
        session.get(f"{hub.address}/hub/login", timeout=minutes(2))
        for name, status in (("O'Brien", 403), ("github:ada", 403), ("ada", 302)):
            form = PASSWORD | {"username": name, "_xsrf": session.cookies["_xsrf"]}
            url = f"{hub.address}/hub/login"
            answer = session.post(url, data=form, allow_redirects=False, timeout=minutes(2))
            assert answer.status_code == status, name
            if status == 403:
                assert "cannot be a user name here" in answer.text
                assert "1 to 32 small letters" in answer.text

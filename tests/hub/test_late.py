"""Extensions of a user's server that are loaded when they are used: with the real Dask panel's."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from user_server import UserServer, server

from geodes_datalab.hub.steps.singleuser import LAB
from geodes_datalab.server.late import EXTENSIONS

LOADED = "dask_labextension | extension was successfully loaded"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("late")


@pytest.fixture(scope="module")
def ask(folder: Path) -> Iterator[UserServer]:
    with server(folder, keep=("dask_labextension",)) as found:
        yield found


def test_they_are_switched_off_in_the_lab_settings() -> None:
    told = json.loads((LAB / "jupyter_server_config.d/geodes_datalab.json").read_text())
    switched = told["ServerApp"]["jpserver_extensions"]
    assert {name: switched[name] for name in EXTENSIONS} == dict.fromkeys(EXTENSIONS, False)
    assert switched["geodes_datalab.server.late"]


def test_the_first_use_loads_an_extension_and_is_answered_by_it(
    ask: UserServer, folder: Path
) -> None:
    log = folder / "log"
    assert ask("GET", "/dask/clusters") == []
    assert ask("GET", "/api/contents") is not None
    assert LOADED not in log.read_text(), "what the Lab asks all the time loads nothing"
    stranger = ask.raw("GET", "/dask/clusters", headers={"Authorization": "token wrong"})
    assert stranger.status_code == 403
    check = ask("GET", "/dask/dashboard-check/http%3A%2F%2F127.0.0.1%3A9")
    assert check["isActive"] is False
    assert log.read_text().count(LOADED) == 1
    assert ask("GET", "/dask/clusters") == []
    assert ask.raw("GET", "/dask/clusters/none").status_code == 404
    assert log.read_text().count(LOADED) == 1


def test_one_that_the_user_switches_on_is_there_from_the_start(tmp_path: Path) -> None:
    home = tmp_path / ".jupyter"
    keep = {"ServerApp": {"jpserver_extensions": {"dask_labextension": True}}}
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "jupyter_server_config.json").write_text(json.dumps(keep))
    assert not home.exists()
    path = f"{tmp_path / 'own'}:{LAB}"
    with server(tmp_path, keep=("dask_labextension",), JUPYTER_CONFIG_PATH=path) as ask:
        assert LOADED in (tmp_path / "log").read_text()
        assert ask("GET", "/dask/clusters") == []
        assert (tmp_path / "log").read_text().count(LOADED) == 1


def test_they_are_named_as_they_are_installed() -> None:
    """The names are those of Jupyter's settings; the image's tests load each."""
    installed = Path(sys.prefix, "etc/jupyter/jupyter_server_config.d").glob("*.json")
    names = {
        name
        for path in installed
        for name in json.loads(path.read_text())["ServerApp"]["jpserver_extensions"]
    }
    assert "dask_labextension" in names & set(EXTENSIONS)

"""Extensions of a user's server that are loaded when they are used: with the real Dask panel's."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.waiting import eventually
from user_server import UserServer, server

from geodes_datalab.hub.steps.singleuser import LAB
from geodes_datalab.server.late import EXTENSIONS
from geodes_datalab.server.late.aside import Aside

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
    assert {switched[late.module] for late in EXTENSIONS} == {False}
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
    assert "dask_labextension" in names & {late.module for late in EXTENSIONS}


def test_a_process_aside_answers_by_the_code_of_the_extension(ask: UserServer) -> None:
    """Asked at once, as the Lab does; it ends by itself, and another question starts the next one."""
    paths = ["/dask/clusters", "/dask/dashboard-check/http%3A%2F%2F127.0.0.1%3A9"]

    async def asked() -> list[dict[str, Any] | None]:
        aside, told = Aside("dask_labextension", "/"), []
        for _ in range(2):
            told += await asyncio.gather(*map(aside.answer, paths))
            assert len(answering()) == 1
            await asyncio.to_thread(
                eventually, lambda: not answering(), "the process has ended", within=1
            )
        return told

    told = asyncio.run(asked())
    itself = [ask.raw("GET", path) for path in paths] * 2
    assert [(one["status"], json.loads(one["body"])) for one in told if one] == [
        (one.status_code, one.json()) for one in itself
    ]


def test_a_process_that_fails_is_told() -> None:
    async def asked() -> list[dict[str, Any] | None]:
        aside = Aside("geodes_datalab.server.late", "/no/such/base")
        return list(await asyncio.gather(*[aside.answer("/") for _ in range(2)]))

    assert asyncio.run(asked()) == [None, None]


def answering() -> list[psutil.Process]:
    """Return the processes that answer for this one."""
    return [
        one
        for one in psutil.Process().children()
        if one.status() != psutil.STATUS_ZOMBIE
        and "geodes_datalab.server.late.answer" in one.cmdline()
    ]

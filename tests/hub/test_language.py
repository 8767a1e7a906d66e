"""The language that somebody chooses in the Lab is that of kernels and terminals started from then on."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from geodes_datalab._language import VARIABLE
from geodes_datalab.hub.steps.singleuser import LAB
from geodes_datalab.server import language


def choose(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('// Language\n{\n    // Language locale\n    "locale": "fr_FR",\n}', "fr"),
        ('{"locale": "en"}', "en"),
        ('{"locale": "fr"}', "fr"),
        ('{"locale": "de_DE"}', None),
        ('{"locale": "default"}', None),
        ('{"locale": 3}', None),
        ('// {"locale": "fr_FR"}\n{}', None),
        ("[]", None),
        ('{"locale": "fr', None),
        ("", None),
    ],
)
def test_what_the_lab_s_file_says(tmp_path: Path, text: str, told: str | None) -> None:
    choose(tmp_path / "settings", text)
    assert language.chosen(tmp_path / "settings") == told


@pytest.mark.parametrize("site", ["en", "fr", None])
def test_a_choice_goes_over_the_site_s_and_may_be_taken_back(
    tmp_path: Path, site: str | None
) -> None:
    environment = {} if site is None else {VARIABLE: site}
    file = tmp_path / language.FILE
    follower = language.Follower(file, environment)
    follower.look()
    assert environment.get(VARIABLE) == site
    choose(file, '{"locale": "fr_FR"}')
    follower.look()
    assert environment[VARIABLE] == "fr"
    choose(file, '{"locale": "en"}')
    follower.look()
    assert environment[VARIABLE] == "en"
    file.unlink()
    follower.look()
    assert environment.get(VARIABLE) == site


def test_a_server_reads_it_at_its_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERLAB_SETTINGS_DIR", str(tmp_path))
    monkeypatch.setenv(VARIABLE, "en")
    choose(tmp_path / language.FILE, '{"locale": "fr_FR"}')

    async def load() -> None:
        language._load_jupyter_server_extension(SimpleNamespace(config_dir=""))

    asyncio.run(load())
    assert os.environ[VARIABLE] == "fr"


def test_it_is_where_the_lab_looks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from jupyterlab.commands import get_user_settings_dir

    monkeypatch.delenv("JUPYTERLAB_SETTINGS_DIR", raising=False)
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    assert str(language.settings_folder(str(tmp_path))) == get_user_settings_dir()


def test_servers_have_it() -> None:
    path = LAB / "jupyter_server_config.d/geodes_datalab.json"
    extensions = json.loads(path.read_text())["ServerApp"]["jpserver_extensions"]
    assert extensions["geodes_datalab.server.language"]

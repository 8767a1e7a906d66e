"""Settings come from argument > environment > file > default, and errors name the culprit."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from geodes_datalab import config
from geodes_datalab.errors import ConfigurationError


def _write(text: str) -> None:
    path = config.config_dir() / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert config.load().portal == config.PORTAL
    _write('portal = "https://file.example"\ntimeout = 5\n')
    assert config.load().portal == "https://file.example"
    monkeypatch.setenv("GEODES_PORTAL", "https://env.example/")
    assert config.load().portal == "https://env.example"
    found = {s.name: s for s in config.explain(portal="https://arg.example")}
    assert found["portal"].value == "https://arg.example"
    assert found["portal"].source == "argument"
    assert found["timeout"] == ("timeout", 5.0, "config.toml")
    assert found["stac_url"].value == "https://arg.example/api/stac"


def test_every_setting_has_a_variable() -> None:
    assert set(config.VARIABLES) == {field.name for field in fields(config.Config)}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"portal": "geodes.example"}, "no web address"),
        ({"portal": "https://me:pw@geodes.example"}, "user name or password"),
        ({"dialect": "resto"}, 'use "geodes" or "stac"'),
        ({"timeout": "soon"}, "must be float"),
        ({"retries": -1}, "must not be negative"),
        ({"ca_bundle": "/no/such.pem"}, "is no file"),
        ({"portall": "x"}, 'did you mean "portal"'),
    ],
)
def test_bad_settings_say_what_to_do(arguments: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text) as caught:
        config.load(**arguments)
    assert caught.value.hint
    assert "pw" not in str(caught.value)


def test_a_broken_file_is_named() -> None:
    _write("portal = ")
    with pytest.raises(ConfigurationError, match=r"config\.toml cannot be read"):
        config.load()


def test_an_unknown_key_in_the_file_is_refused() -> None:
    _write("timeoutt = 3")
    with pytest.raises(ConfigurationError, match='did you mean "timeout"'):
        config.load()


def test_nothing_is_written(tmp_path: Path) -> None:
    config.load()
    assert not config.config_dir().exists()

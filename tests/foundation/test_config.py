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
        ({"dialect": "resto"}, 'use "geodes", "stac" or "opensearch"'),
        ({"timeout": "soon"}, "must be float"),
        ({"retries": -1}, "must not be negative"),
        ({"ca_bundle": "/no/such.pem"}, "is no file"),
        ({"portall": "x"}, 'did you mean "portal"'),
        ({"timeout": ""}, "must be float"),
        ({"timeout": 1e300}, "must be from 0.001 to 86400"),
        ({"timeout": True}, "must be float"),
        ({"retries": 2.5}, "must be int"),
        ({"retries": float("inf")}, "must be int"),
        ({"retries": 10**9}, "must be from 0 to 100"),
    ],
)
def test_bad_settings_say_what_to_do(arguments: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text) as caught:
        config.load(**arguments)
    assert caught.value.hint
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("value", ["0", "nan", "inf", "-inf", "-1", "1e300", "soon", " "])
@pytest.mark.parametrize("variable", ["TIMEOUT", "MAX_REQUESTS", "BACKOFF", "RETRIES"])
def test_numbers_that_mean_no_waiting_or_for_ever_are_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """No retries and no pause between them are fine; an empty variable is one that is not set."""
    monkeypatch.setenv(f"GEODES_{variable}", value)
    if value == "0" and variable in ("BACKOFF", "RETRIES"):
        assert config.load()
        return
    with pytest.raises(ConfigurationError, match=f"GEODES_{variable} must") as caught:
        config.load()
    assert f"unset GEODES_{variable}; the default is" in str(caught.value)
    monkeypatch.setenv(f"GEODES_{variable}", "")
    assert config.load()


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

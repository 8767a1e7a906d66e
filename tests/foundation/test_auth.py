"""Credentials never print, are found in order, and go to the portal only."""

from __future__ import annotations

import pickle
import stat
from pathlib import Path

import pytest

from geodes_datalab import auth, config
from geodes_datalab.errors import ConfigurationError, StorageError

KEY = "k3y-of-the-tests"


@pytest.fixture(autouse=True)
def _forget() -> object:
    yield
    auth.use(None)


def test_secrets_do_not_print_or_travel() -> None:
    key = auth.ApiKey(KEY)
    s3 = auth.S3Credentials(auth.Secret(KEY), auth.Secret(KEY), auth.Secret(KEY))
    for text in (
        repr(key),
        str(key),
        f"{key:}",
        repr(s3),
        repr(auth.FoundKey(key, "x")),
    ):
        assert KEY not in text
    with pytest.raises(TypeError, match="does not travel"):
        pickle.dumps(key)


def test_the_key_is_found_in_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert auth.find() is None
    (tmp_path / "hub").write_text("hub-key\n")
    monkeypatch.setenv("GEODES_API_KEY_FILE", str(tmp_path / "hub"))
    assert auth.find() == auth.FoundKey(auth.ApiKey("hub-key"), "the hub")
    auth.save(auth.ApiKey("file-key"))
    assert auth.find() == auth.FoundKey(auth.ApiKey("file-key"), str(auth.credentials_file()))
    monkeypatch.setenv("GEODES_API_KEY", "env-key")
    assert auth.find() == auth.FoundKey(auth.ApiKey("env-key"), "GEODES_API_KEY")
    auth.use(auth.ApiKey("process-key"))
    assert auth.api_key() == auth.ApiKey("process-key")
    assert auth.api_key("argument-key") == auth.ApiKey("argument-key")


def test_the_file_is_private_and_keeps_its_other_entries() -> None:
    path = auth.credentials_file()
    path.parent.mkdir(parents=True)
    path.write_text('s3_access_key_id = "a"\ns3_secret_access_key = "b"\n')
    auth.save(auth.ApiKey('odd"key\\'))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert auth.api_key() == auth.ApiKey('odd"key\\')
    assert auth.s3_credentials() == auth.S3Credentials(auth.Secret("a"), auth.Secret("b"))
    assert [p.name for p in path.parent.iterdir()] == ["credentials.toml"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = auth.save(auth.ApiKey("old"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match="No space left on device"):
        auth.save(auth.ApiKey("new"))
    assert auth.api_key() == auth.ApiKey("old")
    assert [p.name for p in path.parent.iterdir()] == ["credentials.toml"]


def test_a_broken_file_does_not_show_its_content() -> None:
    path = auth.credentials_file()
    path.parent.mkdir(parents=True)
    path.write_text(f'api_key = "{KEY}')
    with pytest.raises(ConfigurationError) as caught:
        auth.find()
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("key", ["two words", "clé", "a\nb"])
def test_a_mangled_key_is_refused_before_it_is_sent(key: str) -> None:
    with pytest.raises(ConfigurationError, match="characters that no key has") as caught:
        auth.find(key)
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://portal.example/api/download/x", True),
        ("https://PORTAL.example:443/api", True),
        ("http://portal.example/api", False),
        ("https://portal.example:8443/api", False),
        ("https://portal.example.evil.example/api", False),
        ("https://evil.example/?https://portal.example", False),
        ("https://portal.example@evil.example/", False),
    ],
)
def test_the_key_goes_to_the_portal_only(url: str, sent: bool) -> None:
    settings = config.load(portal="https://portal.example")
    expected = {"X-API-Key": KEY} if sent else {}
    assert auth.header(url, settings, auth.ApiKey(KEY)) == expected

from __future__ import annotations

from collections.abc import Callable

import pytest

import geodes_datalab as gd
from geodes_datalab import auth
from geodes_datalab.errors import AuthenticationError, ServiceError, StorageError
from geodes_datalab.stac import Quota, quota
from geodes_datalab.standin import StandIn

WRONG = "wr0ng-key-of-nobody"


def test_login_checks_and_stores_the_key(portal: StandIn) -> None:
    account = gd.login(portal.api_key)
    path = auth.credentials_file()
    assert path.stat().st_mode & 0o777 == 0o600
    assert portal.api_key in path.read_text()
    assert account.portal == portal.url
    assert account.quota.remaining == account.quota.maximum
    assert [request.path for request in portal.requests] == ["/processing/download/get"]


def test_a_stored_key_is_found_again(portal: StandIn) -> None:
    gd.login(portal.api_key)
    auth.use(None)  # as in a new process
    assert quota().remaining is not None


def test_login_without_storing(portal: StandIn) -> None:
    account = gd.login(portal.api_key, store=False)
    assert account.source == "this process"
    assert not auth.credentials_file().exists()
    assert quota().remaining is not None


def test_login_asks_without_showing(portal: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def getpass(prompt: str) -> str:
        asked.append(prompt)
        return f" {portal.api_key}\n"

    monkeypatch.setattr("getpass.getpass", getpass)
    gd.login()
    assert asked == [f"API key for {portal.url}: "]


def test_login_where_no_one_can_be_asked(portal: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def getpass(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("getpass.getpass", getpass)
    with pytest.raises(AuthenticationError, match="no one to ask"):
        gd.login()


@pytest.mark.parametrize("answer", ["redirect", "401", "403"])
def test_a_wrong_key_is_refused_and_not_stored(portal: StandIn, answer: str) -> None:
    portal.settings.bad_key = answer  # type: ignore[assignment]
    with pytest.raises(AuthenticationError) as caught:
        gd.login(WRONG)
    assert "the API key was refused" in str(caught.value)
    assert "the key is wrong or expired: make a key on your profile page" in str(caught.value)
    assert WRONG not in str(caught.value)
    assert WRONG not in repr(caught.value)
    assert not auth.credentials_file().exists()


@pytest.mark.parametrize("answer", ["redirect", "401", "403"])
def test_a_wrong_key_leaves_the_stored_one(portal: StandIn, answer: str) -> None:
    portal.settings.bad_key = answer  # type: ignore[assignment]
    gd.login(portal.api_key)
    with pytest.raises(AuthenticationError):
        gd.login(WRONG)
    assert portal.api_key in auth.credentials_file().read_text()
    auth.use(None)
    assert quota().remaining is not None


def test_an_empty_key_is_not_another_key(portal: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODES_API_KEY", portal.api_key)
    with pytest.raises(AuthenticationError, match="empty"):
        gd.login("")


def test_an_exhausted_quota_is_a_good_key(served: Callable[..., StandIn]) -> None:
    portal = served(quota=0)
    account = gd.login(portal.api_key)
    assert account.quota.exhausted
    assert "0 of 0 products left in this hour; wait for the next hour" in str(account.quota)
    assert auth.credentials_file().exists()


def test_a_portal_that_is_down_stores_nothing(portal: StandIn) -> None:
    portal.faults.down()
    with pytest.raises(ServiceError):
        gd.login(portal.api_key)
    assert not auth.credentials_file().exists()


def test_a_home_that_cannot_be_written(portal: StandIn) -> None:
    folder = auth.credentials_file().parent
    folder.symlink_to(folder.parent / "nowhere")
    with pytest.raises(StorageError, match="cannot be written"):
        gd.login(portal.api_key)


def test_another_portal(portal: StandIn, geodes_factory: Callable[..., StandIn]) -> None:
    other = geodes_factory()
    assert gd.login(other.api_key, endpoint=other.url, store=False).portal == other.url
    assert not portal.requests


def test_the_account_shows_no_key(portal: StandIn) -> None:
    account = gd.login(portal.api_key)
    for text in (
        repr(account),
        str(account),
        account._repr_html_(),
        repr(gd.status()),
        gd.status()._repr_html_(),
    ):
        assert portal.api_key not in text


def test_status_tells_how_things_stand(portal: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    found = gd.status()
    assert found.reachable
    assert (found.portal, found.catalogue, found.dialect) == (portal.url, portal.stac_url, "geodes")
    assert found.key == "none: call geodes_datalab.login() to download"
    assert found.quota == "needs an API key"
    monkeypatch.setenv("GEODES_API_KEY", portal.api_key)
    monkeypatch.setenv("GEODES_CATALOGUE_NOTICE", "sample catalogue, not GEODES")
    found = gd.status()
    assert found.key == "from GEODES_API_KEY"
    assert "products left in this hour" in found.quota
    assert "sample catalogue, not GEODES" in found._repr_html_()
    assert "state: answers" in str(found)


def test_status_never_fails(portal: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODES_API_KEY", WRONG)
    assert "the API key was refused" in gd.status().quota
    portal.faults.down()
    monkeypatch.setenv("GEODES_RETRIES", "0")
    found = gd.status()
    assert not found.reachable
    assert "does not answer" in str(found)


def test_quota_in_words() -> None:
    assert str(Quota(None, None)) == "unknown"
    assert str(Quota(20, 3)) == "3 of 20 products left in this hour"


def test_no_key_at_all(portal: StandIn) -> None:
    with pytest.raises(AuthenticationError, match="this needs an API key") as caught:
        quota()
    assert "geodes_datalab.login()" in str(caught.value)


def test_nothing_is_printed(portal: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    gd.login(portal.api_key)
    assert capsys.readouterr() == ("", "")

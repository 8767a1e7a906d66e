"""Who comes in: the real classes of authenticators, set up by values files, as the hub sets them up.

Values go through helm, the settings and traitlets; the providers' answers are a stand-in's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from manifests.render import Helm
from support.doors import Entry, configuration, entry
from support.providers import GROUPS, PROVIDERS, Client, Handler, Provider, connect

EVERYBODY = tuple(GROUPS)


class Site:
    """Starts hubs from values files, with one provider behind them."""

    def __init__(self, helm: Helm, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.helm, self.folder, self.monkeypatch = helm, folder, monkeypatch
        self.entries: list[Entry] = []

    def opens(
        self, provider: Provider, values: dict[str, Any], known: tuple[str, ...] = ()
    ) -> tuple[Entry, Client]:
        count = len(self.entries)
        path = self.folder / f"values-{count}.yaml"
        path.write_text(yaml.safe_dump(values))
        c = configuration(self.helm.render(path).settings, self.folder / f"hub-{count}")
        found = entry(c, known)
        self.entries.append(found)
        return found, connect(found.authenticator, provider, self.monkeypatch)


@pytest.fixture
def site(helm: Helm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    found = Site(helm, tmp_path, monkeypatch)
    yield found
    for one in found.entries:
        one.close()


@pytest.fixture(params=sorted(PROVIDERS))
def provider(request: pytest.FixtureRequest) -> Provider:
    return PROVIDERS[request.param]


def test_closed_until_somebody_is_named(site: Site, provider: Provider) -> None:
    door, client = site.opens(provider, provider.values())
    assert [door.comes(Handler(name)) for name in EVERYBODY] == [None, None, None]
    assert client.asked or provider.kind == "mediawiki", "the provider was not even asked"


def test_members_come_in_and_outsiders_do_not(site: Site, provider: Provider) -> None:
    door, _ = site.opens(provider, provider.values(door=True))
    assert door.comes(Handler("olga")) is None
    member = door.comes(Handler("mona"))
    assert member is not None
    assert member["name"] == provider.named("mona")
    assert not member["admin"]


def test_chiefs_are_administrators(site: Site, provider: Provider) -> None:
    door, _ = site.opens(provider, provider.values(door=True, chiefs=True))
    chief = door.comes(Handler("ada"))
    assert chief is not None
    assert chief["admin"] is True
    member = door.comes(Handler("mona"))
    assert member is not None
    assert not member["admin"]
    assert door.comes(Handler("olga")) is None


def test_only_the_named_come_in(site: Site, provider: Provider) -> None:
    values = provider.values(users=[provider.named("mona")])
    door, _ = site.opens(provider, values)
    assert [bool(door.comes(Handler(name))) for name in EVERYBODY] == [False, True, False]


def test_who_was_known_before_stays_outside(site: Site, provider: Provider) -> None:
    known = tuple(provider.named(name) for name in EVERYBODY)
    door, _ = site.opens(provider, provider.values(door=True), known)
    assert [bool(door.comes(Handler(name))) for name in EVERYBODY] == [False, True, True]
    door, _ = site.opens(provider, provider.values(users=[provider.named("mona")]), known)
    assert [bool(door.comes(Handler(name))) for name in EVERYBODY] == [False, True, False]
    assert not door.known(provider.named("olga")).roles
    assert door.known(provider.named("mona")).roles


@pytest.mark.parametrize("name", ["oidc", "generic-oauth", "ldap", "lti"])
def test_accounts_that_the_site_gives_out_may_open_to_all(helm: Helm, name: str) -> None:
    oidc = {"oidc": PROVIDERS["okta"].oidc} if name == "oidc" else {}
    values = PROVIDERS["okta"].values() | {"auth": {"type": name, "allowAll": True, **oidc}}
    assert helm.render(values=values).settings["authenticator"]["allow_all"] is True


def test_a_provider_of_the_site_opens_to_all_on_purpose(site: Site) -> None:
    provider = PROVIDERS["okta"]
    door, _ = site.opens(provider, provider.values(allowAll=True))
    assert all(door.comes(Handler(name)) for name in EVERYBODY)

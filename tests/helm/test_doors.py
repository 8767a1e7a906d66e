"""Who comes in: the real classes of authenticators, set up by values files, as the hub sets them up.

Values go through helm, the settings and traitlets; the providers' answers are a stand-in's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from manifests.render import Helm
from support.doors import Entry, configuration, entry
from support.providers import GROUPS, PROVIDERS, Client, Handler, Provider, connect
from traitlets.utils.importstring import import_item

from geodes_datalab.settings import kinds

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


def test_an_old_name_for_institutions_opens_no_other_door(site: Site) -> None:
    cilogon = PROVIDERS["cilogon"]
    values = cilogon.values(users=["mona"])
    values["hub"]["config"] = {cilogon.section: {"allowed_idps": cilogon.base["idps"]}}
    door, _ = site.opens(cilogon, values, EVERYBODY)
    assert [bool(door.comes(Handler(name))) for name in EVERYBODY] == [False, True, False]
    assert door.authenticator.blocked_users == {"olga", "ada"}


def test_a_former_administrator_is_a_member_like_others(site: Site, provider: Provider) -> None:
    mona, ada = provider.named("mona"), provider.named("ada")
    door, _ = site.opens(provider, provider.values(door=True, admins=[ada]), (mona, ada))
    door.known(mona).admin = True
    door.hub.db.commit()
    asyncio.run(door.hub.init_users())
    assert [door.known(name).admin for name in (mona, ada)] == [False, True]
    assert door.comes(Handler("mona")) is not None


def test_a_trait_that_would_only_stop_the_hub_is_refused(helm: Helm) -> None:
    values = PROVIDERS["cilogon"].values(users=["mona"])
    values["hub"]["config"]["CILogonOAuthenticator"]["shown_idps"] = ["https://idp.example.org"]
    refused = helm.template(values=values)
    said = "hub.config.CILogonOAuthenticator.shown_idps: it is no more, and would stop the hub; use idps"
    assert said in refused.stderr


@pytest.mark.parametrize("name", ["oidc", "generic-oauth", "ldap", "lti"])
def test_accounts_that_the_site_gives_out_may_open_to_all(helm: Helm, name: str) -> None:
    oidc = {"oidc": PROVIDERS["okta"].oidc} if name == "oidc" else {}
    values = PROVIDERS["okta"].values() | {"auth": {"type": name, "allowAll": True, **oidc}}
    assert helm.render(values=values).settings["auth"]["allowAll"] is True


def test_a_provider_of_the_site_opens_to_all_on_purpose(site: Site) -> None:
    provider = PROVIDERS["okta"]
    door, _ = site.opens(provider, provider.values(allowAll=True))
    assert all(door.comes(Handler(name)) for name in EVERYBODY)


class Person:
    """Somebody who logged in, as the authenticator asks the hub about them."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.name, self.state = told["name"], told["auth_state"]

    async def get_auth_state(self) -> Any:
        return self.state


def stays(door: Entry, person: Person) -> bool:
    return door.stays(person, Handler(person.name))


def test_who_leaves_the_group_is_out_within_minutes(
    site: Site, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    door, _ = site.opens(provider, provider.values(door=True))
    found = [door.comes(Handler(name)) for name in ("mona", "ada")]
    mona, ada = (Person(told) for told in found if told is not None)
    assert stays(door, mona)
    monkeypatch.setitem(GROUPS, "mona", ["everybody"])
    asks_again = provider.kind not in {"mediawiki", "azuread"}  # they keep no token to ask with
    assert stays(door, mona) is not asks_again
    assert stays(door, ada)


def test_who_is_named_no_more_is_out(site: Site, provider: Provider) -> None:
    door, _ = site.opens(provider, provider.values(users=[provider.named("mona")]))
    told = door.comes(Handler("mona"))
    assert told is not None
    later, _ = site.opens(provider, provider.values(users=[provider.named("ada")]))
    assert not stays(later, Person(told))
    assert stays(door, Person(told))


def test_the_shipped_example_lets_members_of_its_organization_in(
    site: Site, values_of: dict[str, Path]
) -> None:
    """It let every account of GitHub in."""
    values = yaml.safe_load(values_of["own-authenticator"].read_text())
    github = PROVIDERS["github"]
    door, _ = site.opens(github, values)
    assert door.comes(Handler("olga")) is None
    assert door.comes(Handler("mona")) is not None
    assert values["auth"]["admins"] == ["alice"]
    assert door.known("alice").admin


@pytest.mark.parametrize(
    "word", sorted(word for word in PROVIDERS if word not in {"generic", "okta"})
)
def test_short_and_dotted_names_are_the_same_class(site: Site, word: str) -> None:
    provider = PROVIDERS[word]
    found = kinds.find(word)
    for name in (found.name, found.path):
        values = provider.values()
        values["auth"]["type"] = name
        door, _ = site.opens(provider, values)
        cls = type(door.authenticator)
        assert cls.__name__ == provider.section
        assert issubclass(cls, import_item(found.path))


def test_a_directory(site: Site, values_of: dict[str, Path]) -> None:
    values = yaml.safe_load(values_of["site-directory"].read_text())
    unused = PROVIDERS["github"]
    door, _ = site.opens(unused, values)
    assert type(door.authenticator).__name__ == "LDAPAuthenticator"
    assert door.authenticator.allow_all is True
    values["auth"] = {"type": "ldap", "users": ["mona"]}
    door, _ = site.opens(unused, values, ("olga", "mona"))
    authenticator = door.authenticator
    assert [asyncio.run(authenticator.check_allowed(n, {})) for n in ("olga", "mona")] == [
        False,
        True,
    ]
    assert authenticator.blocked_users == {"olga"}


def test_everybody_with_the_shared_password_unless_somebody_is_named(site: Site) -> None:
    unused = PROVIDERS["github"]
    base = {"existingSecret": "datalab-secrets"}
    door, _ = site.opens(unused, base)
    assert door.authenticator.allow_all is True
    door, _ = site.opens(unused, base | {"auth": {"users": ["mona"]}}, ("olga",))
    form = {"username": "olga", "password": "auth.password".ljust(40, "x")}
    assert door.comes(None, form) is None
    assert door.comes(None, form | {"username": "mona"}) is not None
    assert door.comes(None, form | {"username": "mona", "password": "no"}) is None

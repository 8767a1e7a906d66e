"""The verbs `login`, `logout` and `status`: the key, the quota, the state of the catalogue."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from geodes_datalab import _markup, auth
from geodes_datalab._display import table
from geodes_datalab._http import Client
from geodes_datalab._language import gettext, ngettext, shown
from geodes_datalab._tracebacks import told
from geodes_datalab.auth import ApiKey
from geodes_datalab.config import Config, load
from geodes_datalab.errors import AuthenticationError, GeodesError, QuotaError, ServiceError

QUOTA_PATH = "/processing/download/get"
"""The cheapest call that needs a key."""


@dataclass(frozen=True)
class Quota:
    """Products that may be downloaded per hour."""

    maximum: int | None
    """Per hour; ``None`` where the portal does not tell."""
    remaining: int | None
    """Left in this hour."""

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left in this hour."""
        return self.remaining is not None and self.remaining <= 0

    def __str__(self) -> str:
        """Say it in words."""
        if self.remaining is None:
            return gettext("unknown")
        text = ngettext(
            "{count} of {maximum} products left in this hour",
            "{count} of {maximum} products left in this hour",
            self.remaining,
            maximum=self.maximum,
        )
        if not self.exhausted:
            return text
        return gettext("{quota}; wait for the next hour to download", quota=text)


@dataclass(frozen=True)
class Account:
    """A key that works, without the key."""

    portal: str
    """Root of the portal."""
    source: str
    """Where the key was found, or was stored."""
    quota: Quota
    """At the time of the check."""

    def _repr_html_(self) -> str:
        rows = [
            (gettext("portal"), self.portal),
            (gettext("key"), self.source),
            (gettext("quota"), self.quota),
        ]
        return table(rows, ("", gettext("signed in")))


@dataclass(frozen=True)
class Status:
    """How things stand with the catalogue and the account."""

    portal: str
    """Root of the portal."""
    catalogue: str
    """Address of the STAC API."""
    dialect: str
    """How it is spoken to."""
    reachable: bool
    """Whether the catalogue answers."""
    key: str
    """Where the API key was found, or that there is none; never the key."""
    quota: str
    """What is left, or why it could not be asked."""
    notice: str = ""
    """What the catalogue is, where it is not GEODES."""

    def rows(self) -> list[tuple[str, str]]:
        """Return name and value pairs, for tables."""
        answers = (
            gettext("answers")
            if self.reachable
            else gettext("does not answer: check the network, then try again")
        )
        spoken = {"address": self.catalogue, "dialect": self.dialect}
        result = [
            (gettext("portal"), self.portal),
            (gettext("catalogue"), gettext("{address} ({dialect} dialect)", **spoken)),
            (gettext("state"), answers),
            (gettext("API key"), self.key),
            (gettext("quota"), self.quota),
        ]
        return [*result, (gettext("notice"), shown(self.notice))] if self.notice else result

    def __str__(self) -> str:
        """Write one line each."""
        return "\n".join(f"{name}: {value}" for name, value in self.rows())

    def _repr_html_(self) -> str:
        return table(self.rows(), ("", gettext("status")))


def login(
    api_key: str | ApiKey | None = None, *, endpoint: str | None = None, store: bool = True
) -> Account:
    """Check an API key, and keep it.

    Parameters
    ----------
    api_key
        Made on your profile page in the portal. Asked for, without showing it, where not given.
    endpoint
        Root of the portal, where it is not the configured one. To keep using it, set
        ``GEODES_PORTAL`` too. The key is this portal's alone; those of other portals stay.
    store
        Whether to write the key to ``~/.config/geodes-datalab/credentials.toml`` (readable by you
        only); otherwise this process alone remembers it.

    Returns
    -------
    Account
        Shows the quota, never the key. A key whose quota is used up is a good key.

    Raises
    ------
    AuthenticationError
        The portal refuses the key; nothing was stored.
    ServiceError
        The portal cannot be reached; nothing was stored.
    ConfigurationError
        The key is right, but the file is damaged; it is left as it is.
    StorageError
        The key is right, but could not be written. This process uses it all the same.
    """
    config = load(portal=endpoint)
    key = _asked_for(config) if api_key is None else api_key
    result = auth.find(key) if key else None
    if result is None:
        raise AuthenticationError(
            "the API key is empty", "make one on your profile page in the portal"
        )
    allowance = quota(api_key=result.key, config=config)
    auth.use(result.key, config.portal)
    source = str(auth.save(result.key, config.portal)) if store else "this process"
    return Account(config.portal, source, allowance)


def logout(*, endpoint: str | None = None) -> bool:
    """Forget the API key of a portal, in this process and in the file; those of other portals stay.

    A key that the environment or the hub provides stays; `status` tells which is used.

    Parameters
    ----------
    endpoint
        Root of the portal, where it is not the configured one.

    Returns
    -------
    bool
        Whether there was a key to forget.

    Raises
    ------
    ConfigurationError
        The file is damaged; it is left as it is.
    StorageError
        The file cannot be written; the key still stands there.
    """
    portal = load(portal=endpoint).portal
    result = auth.find(portal=portal)
    auth.use(None, portal)
    stored = auth.remove(portal)
    return stored or (result is not None and result.source == "this process")


def quota(*, api_key: ApiKey | None = None, config: Config | None = None) -> Quota:
    """Ask how many products may still be downloaded in this hour.

    Raises
    ------
    AuthenticationError
        There is no key, or the portal refuses it.
    ServiceError
        The portal cannot be reached.
    """
    with Client(config or load(), api_key) as client:
        try:
            reply = client.get_json(client.config.portal + QUOTA_PATH)
        except QuotaError:
            return Quota(None, 0)
    values: list[Any] = [reply.get("maxQuota"), reply.get("remainingQuota")]
    if not all(isinstance(value, int) for value in values):
        raise ServiceError(
            "the portal did not tell the quota", "check GEODES_PORTAL with geodes_datalab.status()"
        )
    return Quota(values[0], values[1])


def status() -> Status:
    """Tell where the catalogue is, whether it answers, which key is used and what is left of the quota.

    Returns
    -------
    Status
        A table in notebooks; what fails is told in it, not raised.
    """
    config = load()
    return Status(
        portal=config.portal,
        catalogue=config.stac_url,
        dialect=config.dialect,
        reachable=_reachable(config),
        key=_key_source(config),
        quota=_quota_text(config),
        notice=os.environ.get("GEODES_CATALOGUE_NOTICE", ""),
    )


def _asked_for(config: Config) -> str:
    from getpass import getpass

    try:
        return getpass(gettext("API key for {portal}: ", portal=config.portal))
    except EOFError as error:
        raise AuthenticationError(
            "no API key was given, and there is no one to ask",
            "call login(api_key=...), or set GEODES_API_KEY",
        ) from error


def _reachable(config: Config) -> bool:
    try:
        with Client(config) as client:
            if config.dialect == "opensearch":
                content = client.get_content(config.stac_url, accept="*/*", most=2**23)
                return _markup.local(_markup.root_of(content)) == "OpenSearchDescription"
            client.get_json(config.stac_url)
    except (GeodesError, _markup.ParseError):
        return False
    return True


def _key_source(config: Config) -> str:
    try:
        result = auth.find(portal=config.portal)
        others = [] if result else auth.portals()
    except GeodesError as error:
        return told(error)
    if result:
        return gettext("from {source}", source=result.source)
    if others:
        return gettext(
            "none for this portal (but for {others}): call geodes_datalab.login() to download",
            others=", ".join(others),
        )
    return gettext("none: call geodes_datalab.login() to download")


def _quota_text(config: Config) -> str:
    try:
        if auth.find(portal=config.portal) is None:
            return gettext("needs an API key")
        return str(quota(config=config))
    except GeodesError as error:
        return told(error)

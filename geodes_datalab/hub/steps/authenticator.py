"""Who may log in, and under what names."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from traitlets.log import get_logger

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.hub.login import claims
from geodes_datalab.hub.messages import TRIAL
from geodes_datalab.settings import Oidc, Secret, Settings
from geodes_datalab.settings.kinds import OIDC, SHARED, find

MINIMUM = {"password": 8, "admin_password": 32}
"""Lengths that JupyterHub 6 asks of shared passwords."""


def apply(settings: Settings, c: Any) -> None:
    """Set the authenticator, who may come in, and its passwords."""
    auth = settings.auth
    choose(settings, c)
    kubernetes = settings.spawner.kind == "kubernetes"
    c.Authenticator.username_pattern = auth.pattern(kubernetes=kubernetes)
    c.Doors.name_rule = auth.rule(kubernetes=kubernetes)
    c.Doors.kept = {settings.tests.user} if settings.tests.token is not None else set()
    c.Authenticator.admin_users = set(auth.admins)
    c.Authenticator.allowed_users = set(auth.users)
    c.Authenticator.pop("allow_all", None)  # `close` says it, after everything else
    c.Authenticator.allow_existing_users = False  # else whoever came once may come for ever
    if auth.type == SHARED:
        _shared(settings, c)
    elif auth.type == OIDC:
        _oidc(settings, auth.oidc, c)
    if on_trial(settings):
        get_logger().warning(TRIAL)


def close(settings: Settings, c: Any) -> None:
    """Close the door, after Python of the operator's: it opens for what the settings say alone.

    An authenticator that was put in the place of the settings' one gets the door too, and is closed,
    and so is a shared password where somebody is named. Who sets ``allow_all`` there has the last word.
    """
    from geodes_datalab.hub.login import doors

    asked, cls = find(settings.auth.type), doors.chosen(c)
    c.JupyterHub.authenticator_class = doors.guarded(cls)
    sections = [base.__name__ for base in cls.__mro__ if base.__name__ in c]
    listed = any(c[name].get("allowed_users") for name in sections)
    same = issubclass(cls, doors.guarded(asked.path))
    opened = settings.auth.open and same
    c.Authenticator.setdefault("allow_all", opened and not (listed and asked.name == SHARED))


def choose(settings: Settings, c: Any) -> None:
    """Set the authenticator's class, with the door before it."""
    from geodes_datalab.hub.login import doors

    c.JupyterHub.authenticator_class = doors.guarded(find(settings.auth.type).path)


def on_trial(settings: Settings) -> bool:
    """Tell whether a shared password guards a hub that others than this machine's users reach."""
    return settings.auth.type == SHARED and not on_this_machine(settings)


def on_this_machine(settings: Settings) -> bool:
    """Tell whether the hub is reached from its own machine alone."""
    host = urlsplit(settings.hub.public_url).hostname
    return host in {"127.0.0.1", "localhost", "::1"} and settings.spawner.kind == "local"


def _shared(settings: Settings, c: Any) -> None:
    auth = settings.auth
    c.SharedPasswordAuthenticator.user_password = _read("password", auth.password)
    if auth.admins:
        password = _read("admin_password", auth.admin_password)
        c.SharedPasswordAuthenticator.admin_password = password


def _oidc(settings: Settings, oidc: Oidc, c: Any) -> None:
    base = settings.hub.public_url.rstrip("/")
    provider = c.GenericOAuthenticator
    provider.authorize_url = oidc.authorize_url
    provider.token_url = oidc.token_url
    provider.userdata_url = oidc.userdata_url
    provider.client_id = oidc.client_id
    provider.client_secret = _secret(oidc)
    provider.oauth_callback_url = oidc.callback_url or f"{base}/hub/oauth_callback"
    provider.scope = list(oidc.scopes)
    provider.username_claim = claims.Name(oidc.username_claim)
    provider.manage_groups = bool(oidc.groups_claim)
    if oidc.groups_claim:
        provider.auth_state_groups_key = f"oauth_user.{oidc.groups_claim}"
    provider.allowed_groups = set(oidc.allowed_groups)
    provider.admin_groups = set(oidc.admin_groups)
    provider.login_service = oidc.login_service or "the identity provider"


def _secret(oidc: Oidc) -> str:
    return oidc.client_secret.read() if oidc.client_secret else ""


def _read(name: str, secret: Secret | None) -> str:
    text = secret.read() if secret else ""
    if len(text) < MINIMUM[name]:
        raise ConfigurationError(
            f"auth.{name} has {len(text)} characters, {MINIMUM[name]} are needed",
            hint=f"name a file or a variable with a longer one in auth.{name}",
        )
    return text

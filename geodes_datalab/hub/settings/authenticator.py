"""Who may log in, and under what names."""

from __future__ import annotations

from typing import Any

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.hub.schema import Secret, Settings

MINIMUM = {"password": 8, "admin_password": 32}
"""Lengths that JupyterHub 6 asks of shared passwords."""


def apply(settings: Settings, c: Any) -> None:
    """Set the authenticator, its users and its passwords."""
    auth = settings.authenticator
    c.JupyterHub.authenticator_class = auth.kind
    c.Authenticator.username_pattern = auth.name_pattern
    c.Authenticator.admin_users = set(auth.admins)
    c.Authenticator.allowed_users = set(auth.users)
    c.Authenticator.allow_all = not auth.users  # else nobody could log in
    if auth.kind == "shared-password":
        c.SharedPasswordAuthenticator.user_password = _read("password", auth.password)
        if auth.admins:
            password = _read("admin_password", auth.admin_password)
            c.SharedPasswordAuthenticator.admin_password = password


def _read(name: str, secret: Secret | None) -> str:
    text = secret.read() if secret else ""
    if len(text) < MINIMUM[name]:
        raise ConfigurationError(
            f"authenticator.{name} has {len(text)} characters, {MINIMUM[name]} are needed",
            hint=f"name a file or a variable with a longer one in authenticator.{name}",
        )
    return text

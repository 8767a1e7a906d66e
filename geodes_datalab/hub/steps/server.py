"""The hub process itself: addresses, database, cookies, pace, and the proxy in front of it."""

from __future__ import annotations

from typing import Any

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.hub import database
from geodes_datalab.settings import Secret, Settings

PROXY = "geodes_datalab.hub.proxy.WatchedProxy"

QUICK_SECONDS = 0.5
"""How long a request to start a server waits for a refusal before it shows the progress."""

_CALM = {
    "filters": {"calm": {"()": "geodes_datalab.hub.calm.Calm"}},
    "loggers": {"JupyterHub": {"filters": ["calm"]}},
}


def apply(settings: Settings, c: Any) -> None:
    """Set the traits of JupyterHub that concern the process."""
    hub = settings.hub
    c.JupyterHub.bind_url = hub.public_url
    c.JupyterHub.hub_bind_url = hub.bind_url
    if hub.connect_url is not None:
        c.JupyterHub.hub_connect_url = hub.connect_url
    address = hub.db.url_secret.read() if hub.db.url_secret else hub.db.url
    c.JupyterHub.db_url = database.usable(address)
    c.JupyterHub.upgrade_db = hub.db.upgrade
    if hub.cookie_secret is not None:
        c.JupyterHub.cookie_secret = _key("hub.cookie_secret", hub.cookie_secret.read())
    if hub.crypt_keys is not None:
        c.CryptKeeper.keys = _keys(hub.crypt_keys)
        c.Authenticator.enable_auth_state = True
    c.JupyterHub.cleanup_servers = False  # user servers outlive the hub, and are found again
    c.JupyterHub.cleanup_proxy = False
    c.JupyterHub.allow_named_servers = hub.allow_named_servers
    c.JupyterHub.named_server_limit_per_user = hub.named_server_limit_per_user
    c.JupyterHub.active_server_limit = hub.active_server_limit
    c.JupyterHub.concurrent_spawn_limit = hub.concurrent_spawn_limit
    c.JupyterHub.last_activity_interval = hub.last_activity_interval
    c.JupyterHub.authenticate_prometheus = True
    _pace(settings, c)
    _proxy(settings, c)


def _pace(settings: Settings, c: Any) -> None:
    """Show progress at once; on Kubernetes, where choices can be refused, answer those directly."""
    kubernetes = settings.spawner.kind == "kubernetes"
    c.JupyterHub.tornado_settings = {"slow_spawn_timeout": QUICK_SECONDS if kubernetes else 0}
    if kubernetes:
        c.JupyterHub.logging_config = _CALM


def _proxy(settings: Settings, c: Any) -> None:
    """Use the watched proxy class; it never starts a proxy of its own."""
    c.JupyterHub.proxy_class = PROXY
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.api_url = settings.proxy.api_url
    c.WatchedProxy.watch_seconds = settings.proxy.watch_seconds
    if settings.proxy.token is not None:
        c.ConfigurableHTTPProxy.auth_token = settings.proxy.token.read()


def _keys(secret: Secret) -> list[bytes]:
    texts = [text.strip() for text in secret.read().split(";") if text.strip()]
    keys = [_key("hub.crypt_keys", text) for text in texts]
    if any(len(key) != 32 for key in keys):
        raise ConfigurationError(
            "a key of hub.crypt_keys has not 64 hexadecimal digits",
            hint="make one with: openssl rand -hex 32",
        )
    return keys


def _key(name: str, text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ConfigurationError(
            f"{name} is not hexadecimal", hint="make one with: openssl rand -hex 32"
        ) from None

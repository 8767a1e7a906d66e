"""The portal's key and settings that this process reads with: its user's, or those that a worker was brought."""

from __future__ import annotations

from geodes_datalab import auth, config

NAME = "geodes-credentials"
"""Name under which the plugin stands in the scheduler."""

_settings: config.Config | None = None


def settings() -> config.Config:
    """Return the settings of this process: on a worker, those that the plugin brought."""
    return _settings or config.load()


def adopt(key: auth.ApiKey | None, brought: config.Config) -> None:
    """Let this process use a portal's key and settings (what the plugin does on a worker).

    No key means that the user has none any more, and is forgotten here too.
    """
    global _settings  # noqa: PLW0603 - a worker serves one user
    _settings = brought
    auth.use(key, brought.portal)

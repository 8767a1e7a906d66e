"""Credentials: objects that never print, found at argument > process > environment > file > hub.

Each key belongs to one portal, by its origin (scheme, host and port), and no other origin is ever sent
it (see `header`). Keys in the file and in the process say which; those of the environment and of the hub
belong to the configured portal (see `geodes_datalab.config.configured_portal`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from geodes_datalab import _keyfile
from geodes_datalab.config import Config, config_dir, configured_portal
from geodes_datalab.errors import ConfigurationError

HEADER = "X-API-Key"
"""Name of the header that carries the key."""


class Secret:
    """A text that shows itself only to who asks by name.

    Examples
    --------
    >>> key = ApiKey("s3cret")
    >>> key, str(key), f"{key}"
    (ApiKey(****), 'ApiKey(****)', 'ApiKey(****)')
    >>> key.reveal()
    's3cret'
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._text

    def __repr__(self) -> str:
        """Return the class's name, and nothing of the secret."""
        return f"{type(self).__name__}(****)"

    def __eq__(self, other: object) -> bool:
        """Compare by content with secrets of the same class."""
        return type(other) is type(self) and other._text == self._text

    def __hash__(self) -> int:
        """Hash by content."""
        return hash((type(self), self._text))

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: secrets do not travel in task graphs."""
        raise TypeError(f"{type(self).__name__} does not travel: secrets reach workers by a plugin")


class ApiKey(Secret):
    """Key of a GEODES account."""

    __slots__ = ()


@dataclass(frozen=True)
class S3Credentials:
    """Temporary credentials of the datalake's object store."""

    access_key: Secret
    secret_key: Secret
    session_token: Secret | None = None
    region: str = "us-east-1"
    """Signature region (GEODES: ``us-east-1``)."""


@dataclass(frozen=True)
class FoundKey:
    """A key, and the place where it was found."""

    key: ApiKey
    source: str


Origin = tuple[str, str, int]

_used: dict[Origin, ApiKey] = {}


def use(key: ApiKey | None, portal: str | None = None) -> None:
    """Let this process use a key (what the Dask worker plugin calls); ``None`` forgets it.

    Parameters
    ----------
    key
        The key, or ``None``.
    portal
        Whose key it is; the configured portal's where not given. Without a key and without a portal,
        all are forgotten.
    """
    if key is not None:
        _used[origin(portal or configured_portal())] = key
    elif portal is not None:
        _used.pop(origin(portal), None)
    else:
        _used.clear()


def find(explicit: ApiKey | str | None = None, portal: str | None = None) -> FoundKey | None:
    """Find the API key of a portal and say where it came from.

    Parameters
    ----------
    explicit
        A key given by the caller.
    portal
        Root of the portal; the configured one where not given.

    Returns
    -------
    FoundKey or None
        None where there is no key for this portal, whatever there is for others.
    """
    if explicit:
        given = explicit if isinstance(explicit, ApiKey) else _checked(explicit, "argument")
        return FoundKey(given, "argument")
    wanted = origin(portal or configured_portal())
    if wanted in _used:
        return FoundKey(_used[wanted], "this process")
    ours = not portal or wanted == origin(configured_portal())
    if ours and os.environ.get("GEODES_API_KEY"):
        return FoundKey(_checked(os.environ["GEODES_API_KEY"], "GEODES_API_KEY"), "GEODES_API_KEY")
    path = credentials_file()
    stored = _keys(_keyfile.read(path)).get(wanted)
    if stored:
        return FoundKey(_checked(stored, str(path)), str(path))
    return _from_hub() if ours else None


def api_key(explicit: ApiKey | str | None = None, portal: str | None = None) -> ApiKey | None:
    """Find the API key; see `find`."""
    result = find(explicit, portal)
    return result.key if result else None


def s3_credentials() -> S3Credentials | None:
    """Find the object store's credentials in the ``AWS_*`` variables or in credentials.toml."""
    stored = _keyfile.read(credentials_file())
    access, secret, token, region = (
        os.environ.get(f"AWS_{name}") or stored.get(f"s3_{name.lower()}")
        for name in (
            "ACCESS_KEY_ID",
            "SECRET_ACCESS_KEY",
            "SESSION_TOKEN",
            "DEFAULT_REGION",
        )
    )
    if not (access and secret):
        return None
    return S3Credentials(
        Secret(access),
        Secret(secret),
        Secret(token) if token else None,
        region or "us-east-1",
    )


def header(url: str, config: Config, key: ApiKey | None = None) -> dict[str, str]:
    """Return the header that authorises a request, for addresses of the portal only.

    Parameters
    ----------
    url
        Where the request goes.
    config
        Names the portal.
    key
        The portal's key; found by `api_key` where not given.

    Returns
    -------
    dict
        ``{"X-API-Key": ...}``, or empty for any other origin.
    """
    if origin(url) != origin(config.portal):
        return {}
    result = key or api_key(portal=config.portal)
    return {HEADER: result.reveal()} if result else {}


def origin(url: str) -> Origin:
    """Return scheme, host and port of an address, the same for all spellings of one.

    An address with a user name, a password or a port that is none is nobody's: it equals no portal, and
    programs that read it do not agree on its host.

    Examples
    --------
    >>> origin("https://geodes-portal.cnes.fr/api") == origin("https://GEODES-portal.cnes.fr.:443/x")
    True
    >>> origin("https://ada:word@geodes-portal.cnes.fr/api")
    ('https', '@geodes-portal.cnes.fr', 443)
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        host = _host(parts.hostname or "")
    except ValueError:
        return "", "", -1
    if port is None:
        port = {"http": 80, "https": 443}.get(parts.scheme, 0)
    return parts.scheme, f"@{host}" if "@" in parts.netloc else host, port


@lru_cache(maxsize=256)
def _host(name: str) -> str:
    """Return the name that is looked up: as requests makes it of what was written."""
    name = name.lower()
    if not name.isascii():
        import idna

        try:
            name = idna.encode(name, uts46=True).decode()
        except idna.IDNAError:
            return name
    return name.removesuffix(".")


def credentials_file() -> Path:
    """Return the file that `save` writes (it may not exist yet)."""
    return config_dir() / "credentials.toml"


def save(key: ApiKey, portal: str | None = None) -> Path:
    """Store a portal's key in credentials.toml, readable by its owner only, and keep what else stands there.

    Raises
    ------
    ConfigurationError
        The file is damaged; it is left as it is.
    StorageError
        The file cannot be written; the old one, if any, is untouched.
    """
    at = origin(portal or configured_portal())
    _keyfile.change(credentials_file(), lambda stored: _with_keys(stored, {at: key.reveal()}))
    return credentials_file()


def remove(portal: str | None = None) -> bool:
    """Take a portal's key out of credentials.toml, and tell whether there was one.

    Raises
    ------
    ConfigurationError, StorageError
        As for `save`.
    """
    at = origin(portal or configured_portal())
    if at not in _keys(_keyfile.read(credentials_file())):
        return False
    _keyfile.change(credentials_file(), lambda stored: _with_keys(stored, {at: None}))
    return True


def portals() -> list[str]:
    """Return the portals that credentials.toml holds a key for."""
    return sorted(map(_written, _keys(_keyfile.read(credentials_file()))))


def _keys(stored: dict[str, Any]) -> dict[Origin, str]:
    """Return the keys of a file; one without a portal, as it was stored before, is the configured one's."""
    keys = stored.get("keys", {})
    if not isinstance(keys, dict) or any(origin(at)[1][:1] in ("", "@") for at in keys):
        raise ConfigurationError(
            f"[keys] in {credentials_file()} is no table of portals and their keys",
            hint='write: "https://geodes-portal.cnes.fr" = "the key", or call geodes_datalab.login()',
        )
    result = {origin(at): str(key) for at, key in keys.items() if key}
    if stored.get("api_key"):
        result.setdefault(origin(configured_portal()), str(stored["api_key"]))
    return result


def _with_keys(stored: dict[str, Any], changed: dict[Origin, str | None]) -> dict[str, Any]:
    keys = {_written(at): key for at, key in (_keys(stored) | changed).items() if key}
    rest = {name: value for name, value in stored.items() if name not in ("api_key", "keys")}
    return {**rest, "keys": keys} if keys else rest


def _written(at: Origin) -> str:
    scheme, host, port = at
    host = f"[{host}]" if ":" in host else host
    usual = port == {"http": 80, "https": 443}.get(scheme)
    return f"{scheme}://{host}" if usual else f"{scheme}://{host}:{port}"


def _from_hub() -> FoundKey | None:
    path = os.environ.get("GEODES_API_KEY_FILE")
    if not path:
        return None
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(
            f"the key file of the hub, {path}, cannot be read: {error.strerror}",
            hint="restart your server; if that does not help, tell your hub's operator",
        ) from error
    return FoundKey(_checked(text, path), "the hub") if text else None


def _checked(text: str, source: str) -> ApiKey:
    text = text.strip()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigurationError(
            f"the API key from {source} holds characters that no key has",
            hint="copy it again from your profile page in the portal",
        )
    return ApiKey(text)

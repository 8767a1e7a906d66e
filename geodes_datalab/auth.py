"""Credentials: objects that never print, found at argument > process > environment > file > hub.

The API key is sent to the portal's own origin and nowhere else (see `header`).
"""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from geodes_datalab.config import Config, config_dir
from geodes_datalab.errors import ConfigurationError, StorageError

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


_used: ApiKey | None = None


def use(key: ApiKey | None) -> None:
    """Let this process use a key (what the Dask worker plugin calls); ``None`` forgets it."""
    global _used  # noqa: PLW0603 - one process, one user: the one piece of state in this module
    _used = key


def find(explicit: ApiKey | str | None = None) -> FoundKey | None:
    """Find the API key and say where it came from.

    Parameters
    ----------
    explicit
        A key given by the caller.

    Returns
    -------
    FoundKey or None
        None where there is no key anywhere.
    """
    if explicit:
        return FoundKey(
            explicit if isinstance(explicit, ApiKey) else _checked(explicit, "argument"),
            "argument",
        )
    if _used is not None:
        return FoundKey(_used, "this process")
    if os.environ.get("GEODES_API_KEY"):
        return FoundKey(_checked(os.environ["GEODES_API_KEY"], "GEODES_API_KEY"), "GEODES_API_KEY")
    stored = _stored().get("api_key")
    if stored:
        return FoundKey(_checked(str(stored), str(credentials_file())), str(credentials_file()))
    return _from_hub()


def api_key(explicit: ApiKey | str | None = None) -> ApiKey | None:
    """Find the API key; see `find`."""
    found = find(explicit)
    return found.key if found else None


def s3_credentials() -> S3Credentials | None:
    """Find the object store's credentials in the ``AWS_*`` variables or in credentials.toml."""
    stored = _stored()
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
        The key; found by `api_key` where not given.

    Returns
    -------
    dict
        ``{"X-API-Key": ...}``, or empty for any other origin.
    """
    if origin(url) != origin(config.portal):
        return {}
    found = key or api_key()
    return {HEADER: found.reveal()} if found else {}


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of an address.

    Examples
    --------
    >>> origin("https://geodes-portal.cnes.fr/api") == origin("https://geodes-portal.cnes.fr:443/x")
    True
    """
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return parts.scheme, (parts.hostname or "").lower(), port


def credentials_file() -> Path:
    """Return the file that `save` writes (it may not exist yet)."""
    return config_dir() / "credentials.toml"


def save(key: ApiKey) -> Path:
    """Store the key in credentials.toml, readable by its owner only, and keep what else stands there.

    Raises
    ------
    StorageError
        The file cannot be written; the old one, if any, is untouched.
    """
    path = credentials_file()
    values = {**_stored(), "api_key": key.reveal()}
    text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _replace_privately(path, text)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror}",
            hint="free some space or correct the folder's rights, or set GEODES_API_KEY instead",
        ) from error
    return path


def _replace_privately(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(
        dir=path.parent, prefix=".credentials-"
    )  # 0600 from the start
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _stored() -> dict[str, str]:
    path = credentials_file()
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        # the parser's message may quote the line, and the line holds the key
        raise ConfigurationError(
            f"{path} cannot be read ({type(error).__name__})",
            hint="correct it, or delete it and call geodes_datalab.login() again",
        ) from None


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

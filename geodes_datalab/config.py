"""Settings: argument > environment > file > default, decided in one function.

The file is ``$XDG_CONFIG_HOME/geodes-datalab/config.toml`` (by default under ``~/.config``); its keys
are the field names of `Config`. Nothing is read at import.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from geodes_datalab import _language
from geodes_datalab.errors import ConfigurationError, near

PORTAL = "https://geodes-portal.cnes.fr"
"""Root of the real GEODES portal."""

DIALECTS = ("geodes", "stac", "opensearch")
"""Ways to speak to a catalogue."""

VARIABLES: Mapping[str, str] = {
    "portal": "GEODES_PORTAL",
    "stac_url": "GEODES_STAC_URL",
    "dialect": "GEODES_DIALECT",
    "ca_bundle": "GEODES_CA_BUNDLE",
    "timeout": "GEODES_TIMEOUT",
    "retries": "GEODES_RETRIES",
    "backoff": "GEODES_BACKOFF",
    "max_requests": "GEODES_MAX_REQUESTS",
    "rate": "GEODES_RATE",
    "cache_dir": "GEODES_CACHE_DIR",
    "results": "GEODES_RESULTS",
}
"""Environment variable of each setting."""

_SETTINGS = {variable: name for name, variable in VARIABLES.items()}

LIMITS: Mapping[str, tuple[float, float]] = {
    "timeout": (0.001, 86_400),
    "retries": (0, 100),
    "backoff": (0, 3600),
    "max_requests": (1, 1000),
    "rate": (0, 1000),
}
"""Least and most of each number: no waiting at all, or for ever, is a mistake."""


@dataclass(frozen=True)
class Config:
    """Where and how to talk to the catalogue; holds no secret."""

    portal: str = PORTAL
    """Root URL of the portal: the only origin that is ever sent the API key."""
    stac_url: str = ""
    """STAC API, or an OpenSearch description; by default ``{portal}/api/stac``."""
    dialect: str = "geodes"
    """``geodes`` (today's portal), ``stac`` (any standard STAC API), or ``opensearch`` (any description of one)."""
    ca_bundle: str = ""
    """PEM file of certificate authorities to trust instead of the system's; verification stays on."""
    timeout: float = 30.0
    """Seconds to wait for a connection, and between two pieces of an answer."""
    retries: int = 4
    """How often a failed request is tried again."""
    backoff: float = 0.5
    """Seconds before the second try; doubles from then on."""
    max_requests: int = 16
    """Requests in flight at a time: parts of files; of the catalogue's pages, at most eight."""
    rate: float = 0.0
    """Requests a second to one server, at most; 0 for no limit."""
    cache_dir: str = ""
    """Folder for what can be fetched again; by default ``$XDG_CACHE_HOME/geodes-datalab``."""
    results: str = ""
    """Folder in which results are published; by default ``~/results``."""


class Setting(NamedTuple):
    """A setting as found, with the place that decided."""

    name: str
    value: Any
    source: str


def config_dir() -> Path:
    """Return the folder of the user's settings and credentials (it may not exist yet)."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "geodes-datalab"


def load(**arguments: Any) -> Config:
    """Decide every setting.

    Parameters
    ----------
    **arguments
        Fields of `Config`; ``None`` means "not given".

    Raises
    ------
    ConfigurationError
        Unknown name, wrong type, unreadable file.

    Examples
    --------
    >>> load(portal="https://geodes.example/").stac_url
    'https://geodes.example/api/stac'
    """
    return Config(**{setting.name: setting.value for setting in explain(**arguments)})


def explain(**arguments: Any) -> list[Setting]:
    """Decide every setting, and tell where each came from.

    Returns
    -------
    list of Setting
        In the order of `Config`'s fields; ``source`` is ``argument``, a variable's name, a file, or
        ``default``.
    """
    names = [field.name for field in fields(Config)]
    _refuse_unknown(arguments, names, "argument")
    stored = _read_file(config_dir() / "config.toml")
    _refuse_unknown(stored, names, "setting in config.toml")
    result = {
        field.name: _decide(field.name, arguments, stored, field.default)
        for field in fields(Config)
    }
    return [_complete(setting, result) for setting in result.values()]


def configured_portal() -> str:
    """Return the portal that ``GEODES_PORTAL`` or the file names, whatever a caller asks for.

    The keys of the environment and of the hub belong to it.
    """
    stored = {} if os.environ.get(VARIABLES["portal"]) else _read_file(config_dir() / "config.toml")
    result = _decide("portal", {}, stored, PORTAL)
    return str(_complete(result, {}).value)


def language(name: str | None = None) -> str:
    """Choose the language of errors, tables and labels; without an argument, tell it.

    Parameters
    ----------
    name
        ``"en"`` or ``"fr"``, for this notebook. Otherwise the hub's setting holds
        (``GEODES_DATALAB_LANGUAGE``), or the language of the system.

    Returns
    -------
    str
        The language from now on.

    Raises
    ------
    ConfigurationError
        There are no messages in that language.

    Examples
    --------
    >>> language("fr")
    'fr'
    >>> language("en")
    'en'
    """
    if name is not None:
        if name not in _language.KNOWN:
            known = " or ".join(f'"{one}"' for one in _language.KNOWN)
            raise ConfigurationError(f"there are no messages in {name!r}", hint=f"use {known}")
        _language.use(name)
    return _language.current()


def _decide(
    name: str, arguments: Mapping[str, Any], stored: Mapping[str, Any], default: Any
) -> Setting:
    variable = VARIABLES[name]
    if arguments.get(name) is not None:
        return Setting(name, _typed(name, arguments[name], default), "argument")
    if os.environ.get(variable):
        return Setting(name, _typed(variable, os.environ[variable], default), variable)
    if name in stored:
        return Setting(name, _typed(name, stored[name], default), "config.toml")
    return Setting(name, default, "default")


def _complete(setting: Setting, found: Mapping[str, Setting]) -> Setting:
    name, value, source = setting
    if name == "portal":
        value = _url(value, name)
    elif name == "stac_url":
        value = _url(value or found["portal"].value.rstrip("/") + "/api/stac", name)
    elif name == "dialect" and value not in DIALECTS:
        hint = 'use "geodes", "stac" or "opensearch"'
        raise ConfigurationError(f"unknown dialect {value!r}", hint=hint)
    elif name == "ca_bundle" and value and not Path(value).is_file():
        raise ConfigurationError(
            f"the CA bundle {value} is no file", hint=f"correct {source}, or unset it"
        )
    elif name == "cache_dir" and not value:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        value = str(Path(base) / "geodes-datalab")
    elif name == "results" and not value:
        value = "~/results"
    if name in ("cache_dir", "results"):  # the same folder for what is started elsewhere
        value = str(Path(os.path.expanduser(value)).absolute())  # noqa: PTH111 - of unknown users: as it is
    return Setting(name, value, source)


def _typed(name: str, value: Any, default: Any) -> Any:
    kind = type(default)
    hint = f"correct or unset {name}; the default is {default!r}"
    try:
        if isinstance(value, bool) or (kind is int and int(value) != float(value)):
            raise ValueError(value)
        result = kind(value)
    except (OverflowError, TypeError, ValueError) as error:
        raise ConfigurationError(f"{name} must be {kind.__name__}, not {value!r}", hint) from error
    if kind is str:
        return result
    if result < 0:
        raise ConfigurationError(f"{name} must not be negative, got {value!r}", hint)
    least, most = LIMITS[name if name in LIMITS else _SETTINGS[name]]
    if not least <= result <= most:  # so is NaN
        raise ConfigurationError(f"{name} must be from {least:g} to {most:g}, not {value!r}", hint)
    return result


def _url(value: str, name: str) -> str:
    try:
        parts = urlsplit(value)
        plain = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        plain = False
    if not plain:
        raise ConfigurationError(
            f"{name} is no web address: {value!r}", hint=f"write it like {PORTAL}"
        )
    if "@" in parts.netloc:
        raise ConfigurationError(
            f"{name} holds a user name or password",
            hint="keep secrets out of addresses; store the key with geodes_datalab.login()",
        )
    return value.rstrip("/")


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}", hint="correct it, or delete it"
        ) from error


def _refuse_unknown(given: Mapping[str, Any], known: list[str], what: str) -> None:
    for name in given:
        if name not in known:
            hint = near(name, known) or "the settings are: " + ", ".join(known)
            raise ConfigurationError(f"unknown {what} {name!r}", hint=hint)

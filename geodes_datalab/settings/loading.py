"""Read settings from a file or a mapping, and tell every problem at once."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.settings.explaining import explain
from geodes_datalab.settings.model import Settings

VARIABLE = "GEODES_DATALAB_SETTINGS"
"""Environment variable that names the settings file (TOML or JSON)."""

Source = Mapping[str, Any] | str | Path | None


def load(source: Source = None) -> Settings:
    """Read and check settings.

    Parameters
    ----------
    source
        A mapping, or a TOML or JSON file; ``None``: the file that ``GEODES_DATALAB_SETTINGS`` names. Names
        are spelled as in the chart's values (``memoryGiB``) or as in Python (``memory_gib``).

    Raises
    ------
    ConfigurationError
        Unreadable, unknown keys (with the nearest right one), wrong values: all problems at once.

    Examples
    --------
    >>> load({"cull": {"timeout": 1800}}).cull.timeout
    1800.0
    >>> load({"gateway": {"limits": {"memoryGiB": 8}}}).gateway.limits.memory_gib
    8.0
    """
    values = source if isinstance(source, Mapping) else read(source)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        where = "the settings" if isinstance(source, Mapping) else str(source or _named())
        raise ConfigurationError(
            f"{where} cannot be used:\n" + "\n".join(explain(error, Settings, values)),
            hint="correct these lines; docs/reference lists every setting",
        ) from None


def read(source: str | Path | None) -> dict[str, Any]:
    """Read a settings file without checking its content."""
    path = Path(source or _named())
    try:
        text = path.read_text("utf-8")
        values = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"the settings file {path} cannot be read: {error}",
            hint="write it as TOML (.toml) or JSON (.json)",
        ) from error
    if not isinstance(values, dict):
        raise ConfigurationError(
            f"the settings file {path} holds no table of settings", hint="see docs/reference"
        )
    return values


def _named() -> str:
    try:
        return os.environ[VARIABLE]
    except KeyError:
        raise ConfigurationError(
            "no settings file was named", hint=f"set {VARIABLE} to its path"
        ) from None

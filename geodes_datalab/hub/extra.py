"""What operators set over everything else: traits by their names, and Python of their own."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.settings import Settings


def run(folder: Path, c: Any, settings: Settings) -> None:
    """Run every ``*.py`` of a folder, in the order of names.

    Parameters
    ----------
    folder
        A folder that is not there holds nothing.
    c
        In scope as ``c``, and what ``get_config()`` returns.
    settings
        In scope as ``settings``.

    Raises
    ------
    ConfigurationError
        One of them fails; its error is the cause.
    """
    for path in sorted(folder.glob("*.py")):
        scope = {"c": c, "settings": settings, "get_config": lambda: c, "__file__": str(path)}
        try:
            exec(compile(path.read_text("utf-8"), str(path), "exec"), scope)  # noqa: S102
        except Exception as error:
            raise ConfigurationError(
                f"the extra configuration {path.name} fails: {type(error).__name__}: {error}",
                hint=f"correct it ({path}), or remove it: it runs last, nothing depends on it",
            ) from error


def finish_gateway(settings: Settings, c: Any) -> None:
    """Let the operator have the last word on Dask Gateway.

    Parameters
    ----------
    settings
        What the operator wants.
    c
        ``traitlets.config.Config``.
    """
    if settings.debug.enabled:
        c.Application.log_level = "DEBUG"
    put(settings.gateway.config, c)
    if settings.gateway.extra_config_folder is not None:
        run(settings.gateway.extra_config_folder, c, settings)


def put(config: Mapping[str, Mapping[str, Any]], c: Any) -> None:
    """Set traits by class and name, over what stands there of the same names."""
    for name, values in config.items():
        for trait, value in values.items():
            setattr(getattr(c, name), trait, copy.deepcopy(value))

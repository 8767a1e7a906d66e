"""Which catalogue is meant: the configured one, another portal, any STAC API, OpenSearch, or a folder of results."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from geodes_datalab.config import Config, load
from geodes_datalab.errors import InvalidQuery
from geodes_datalab.stac.federation.sources import Source, dialect_at


def settings_of(catalogue: str | os.PathLike[str] | Config | Source | None) -> Config:
    """Return the settings for a catalogue.

    Parameters
    ----------
    catalogue
        ``None``: as configured. ``"geodes"``: the portal, in today's dialect. An address: that STAC
        API, in the standard dialect, or the OpenSearch service that it describes (neither is sent the
        API key). A `Source` of `geodes_datalab.stac.sources`. A folder in which results were published, or a
        ``catalog.json`` or ``collection.json`` in it: those. A `Config`: itself.

    Raises
    ------
    InvalidQuery
        Neither of these.
    """
    if catalogue is None:
        return load()
    if isinstance(catalogue, Config):
        return catalogue
    if isinstance(catalogue, Source):
        return catalogue.config()
    if catalogue == "geodes":
        return load(dialect="geodes")
    if isinstance(catalogue, os.PathLike) or _is_path(catalogue):
        return _of_results(Path(catalogue).expanduser().absolute())
    if catalogue.startswith(("https://", "http://")):
        configured = load()
        if catalogue.rstrip("/") == configured.stac_url:
            return configured
        return load(stac_url=catalogue, dialect=dialect_at(catalogue))
    raise InvalidQuery(
        f'there is no catalogue "{catalogue}"',
        'give "geodes", the address of a STAC API (https://...), or a folder of published results',
    )


def _is_path(catalogue: str) -> bool:
    return "://" not in catalogue and (os.sep in catalogue or Path(catalogue).exists())


def _of_results(path: Path) -> Config:
    """Return the settings for results that were published in a folder."""
    folder = path.parent if path.name in ("catalog.json", "collection.json") else path
    if not folder.is_dir():
        raise InvalidQuery(
            f"there is no folder {folder}", "give the place in which results were published"
        )
    return replace(load(), dialect="static", stac_url=str(folder))

"""Which catalogue is meant: the configured one, another portal, any STAC API, or an OpenSearch service."""

from __future__ import annotations

from geodes_datalab.config import Config, load
from geodes_datalab.errors import InvalidQuery
from geodes_datalab.stac.federation.sources import Source, dialect_at


def settings_of(catalogue: str | Config | Source | None) -> Config:
    """Return the settings for a catalogue.

    Parameters
    ----------
    catalogue
        ``None``: as configured. ``"geodes"``: the portal, in today's dialect. An address: that STAC
        API, in the standard dialect, or the OpenSearch service that it describes (neither is sent the
        API key). A `Source` of `geodes_datalab.stac.sources`. A `Config`: itself.

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
    if catalogue.startswith(("https://", "http://")):
        configured = load()
        if catalogue.rstrip("/") == configured.stac_url:
            return configured
        return load(stac_url=catalogue, dialect=dialect_at(catalogue))
    raise InvalidQuery(
        f'there is no catalogue "{catalogue}"',
        'give "geodes", or the address of a STAC API (https://...)',
    )

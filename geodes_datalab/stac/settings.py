"""Which catalogue is meant: the configured one, another portal, or any STAC API."""

from __future__ import annotations

from geodes_datalab.config import Config, load
from geodes_datalab.errors import InvalidQuery


def settings_of(catalogue: str | Config | None) -> Config:
    """Return the settings for a catalogue.

    Parameters
    ----------
    catalogue
        ``None``: as configured. ``"geodes"``: the portal, in today's dialect. An address: that STAC
        API, in the standard dialect (it is not sent the API key). A `Config`: itself.

    Raises
    ------
    InvalidQuery
        Neither of these.
    """
    if catalogue is None:
        return load()
    if isinstance(catalogue, Config):
        return catalogue
    if catalogue == "geodes":
        return load(dialect="geodes")
    if catalogue.startswith(("https://", "http://")):
        configured = load()
        if catalogue.rstrip("/") == configured.stac_url:
            return configured
        return load(stac_url=catalogue, dialect="stac")
    raise InvalidQuery(
        f'there is no catalogue "{catalogue}"',
        'give "geodes", or the address of a STAC API (https://...)',
    )

"""The hub's database: an address that names a driver which is not here, and what is here instead."""

from __future__ import annotations

import re
from importlib.util import find_spec

from geodes_datalab.errors import ConfigurationError

DRIVERS = {
    "postgresql": ("psycopg", "psycopg"),
    "mysql": ("pymysql", "pymysql"),
    "mariadb": ("pymysql", "pymysql"),
}
"""Kind of database -> the driver that the platform image has, and its module."""

_SAME = {"postgres": "postgresql", "pgsql": "postgresql"}
_ADDRESS = re.compile(r"(?P<kind>[a-z0-9]+)(\+(?P<driver>[a-z0-9_]+))?://", re.IGNORECASE)


def usable(url: str) -> str:
    """Return an address of a database with a driver that is installed.

    Parameters
    ----------
    url
        As SQLAlchemy reads it. Where its driver is not installed, and another one for the same
        kind of database is (``postgresql+psycopg2://``, ``mysql://``), that one is named instead.

    Raises
    ------
    ConfigurationError
        There is no driver for it; the message never shows the address, which holds a password.

    Examples
    --------
    >>> usable("sqlite:///hub.sqlite")
    'sqlite:///hub.sqlite'
    """
    result = _ADDRESS.match(url)
    if result is None:
        raise ConfigurationError(
            "the address of the hub's database is none",
            hint="write it as postgresql+psycopg://user:password@host/name",
        )
    kind = _SAME.get(result["kind"].lower(), result["kind"].lower())
    if _works(kind, result["driver"] or ""):
        return f"{kind}{url[len(result['kind']) :]}"
    driver, module = DRIVERS.get(kind, ("", ""))
    if not module or find_spec(module) is None:
        raise ConfigurationError(
            f"there is no driver for the hub's database ({result[0].rstrip(':/')})",
            hint=_hint(module),
        )
    return f"{kind}+{driver}://{url[result.end() :]}"


def _works(kind: str, driver: str) -> bool:
    """Tell whether SQLAlchemy finds the driver, and it can be used without an event loop."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import NoSuchModuleError

    try:
        dialect = make_url(f"{kind}+{driver}://" if driver else f"{kind}://").get_dialect()
        dialect.import_dbapi()
    except (NoSuchModuleError, ImportError, AttributeError):
        return False
    return not dialect.is_async


def _hint(module: str) -> str:
    if module:
        return f"install it: pip install {module}"
    return "PostgreSQL (postgresql+psycopg://), MySQL or MariaDB (mysql+pymysql://) and SQLite work"

"""Addresses of databases: with the drivers that the platform image has."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import create_engine
from traitlets.config import Config

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.hub import apply, database, load

REST = "hub:se%40cret@db.example.org:1234/hub?ssl=true"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgresql+psycopg", "postgresql+psycopg"),
        ("postgresql+psycopg2", "postgresql+psycopg"),
        ("postgresql+asyncpg", "postgresql+psycopg"),
        ("postgresql+pg8000", "postgresql+psycopg"),
        ("postgres", "postgresql"),
        ("postgresql", "postgresql"),
        ("mysql", "mysql+pymysql"),
        ("mysql+pymysql", "mysql+pymysql"),
        ("mysql+mysqldb", "mysql+pymysql"),
        ("mysql+mysqlconnector", "mysql+pymysql"),
        ("mysql+aiomysql", "mysql+pymysql"),
        ("mariadb", "mariadb+pymysql"),
        ("mariadb+mariadbconnector", "mariadb+pymysql"),
        ("MySQL", "mysql+pymysql"),
    ],
)
def test_another_driver_is_turned_into_ours(given: str, used: str) -> None:
    found = database.usable(f"{given}://{REST}")
    assert found == f"{used}://{REST}"
    engine = create_engine(found)  # it really has one
    assert engine.dialect.driver in {"psycopg", "pymysql"}
    engine.dispose()


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///hub.sqlite", "sqlite:////srv/hub.sqlite", "sqlite+pysqlite:///x"],
)
def test_sqlite_stays(url: str) -> None:
    assert database.usable(url) == url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("oracle://hub:s3cret@db/hub", r"no driver for the hub's database \(oracle\)"),
        ("cockroachdb://hub:s3cret@db/hub", r"\(cockroachdb\)"),
        ("mssql+pyodbc://hub:s3cret@db/hub", r"\(mssql\+pyodbc\)"),
        ("hub:s3cret@db/hub", "is none"),
        ("", "is none"),
    ],
)
def test_what_there_is_no_driver_for_is_told(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        database.usable(url)
    assert "s3cret" not in str(caught.value)
    assert "postgresql+psycopg://" in str(caught.value)


def test_the_hub_gets_it(values: dict[str, Any], secret: Any) -> None:
    values["hub"]["db"] = {"url_secret": secret("postgresql+psycopg2://hub:x@db/hub")}
    c = Config()
    apply(load(values), c)
    assert c.JupyterHub.db_url == "postgresql+psycopg://hub:x@db/hub"

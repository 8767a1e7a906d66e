"""Places in files: GeoJSON and WKT by ourselves, everything else by geopandas."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from geodes_datalab._optional import need
from geodes_datalab.errors import InvalidInput

_TEXTS = (".geojson", ".json", ".wkt", ".txt")
_TABLES = (".parquet", ".geoparquet")
_HINT = "give a GeoJSON file, or any file that geopandas reads"


def path_of(text: str) -> Path | None:
    """Return the file that a text names, or seems to name; None where it seems to be no path.

    Raises
    ------
    InvalidInput
        It is the address of a file elsewhere.
    """
    if text[:8].lower() == "file:///":
        text = unquote(text[7:])
    if "://" in text:
        raise InvalidInput(
            f"{text!r} is an address: places are not fetched from the web",
            "read it first, for example with geopandas.read_file(), and give what comes",
        )
    path = _expanded(text)
    try:
        there = path.exists()
    except (OSError, ValueError):  # too long for a name, or with characters that none has
        return None
    return path if there or path.suffix[1:].isalpha() or len(path.parts) > 1 else None


def content(path: str | PathLike[Any]) -> Any:
    """Return what a file holds: a text, or a geopandas table.

    Raises
    ------
    InvalidInput
        There is no such file, or it cannot be read.
    MissingDependency
        Geopandas is not installed, and the file is neither GeoJSON nor WKT.
    """
    name = fspath(path)
    result = _expanded(name.decode(errors="replace") if isinstance(name, bytes) else name)
    try:
        if not result.exists():
            raise InvalidInput(f"there is no file {result}", f"it was looked for in {Path.cwd()}")
        if result.suffix.lower() in _TEXTS and result.is_file():
            return result.read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"{result} cannot be read: {error}", _HINT) from error
    return _table(result)


def _expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # no such account
        return Path(text)


def _table(path: Path) -> Any:
    library = need("geopandas", extra="tables")
    read = library.read_parquet if path.suffix.lower() in _TABLES else library.read_file
    try:
        return read(path)
    except Exception as error:
        raise InvalidInput(f"no place can be read from {path}: {error}", _HINT) from error

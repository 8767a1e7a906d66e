"""The view's pages: plain HTML without a script, every name escaped."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from urllib.parse import quote

from geodes_datalab.hub.homes.places import MOST, Entry
from geodes_datalab.server.start.home import readable

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 15px sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em }}
table {{ border-collapse: collapse; width: 100% }}
td {{ padding: 0.2em 1em 0.2em 0; border-bottom: 1px solid #ddd; overflow-wrap: anywhere }}
td.size {{ text-align: right; white-space: nowrap }}
p.note {{ color: #555 }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
<p class="note">Read-only. What you look at is noted in the log, with your name.</p>
</body>
</html>
"""


def homes(names: Iterable[str]) -> str:
    """Return the page that lists all homes."""
    rows = [f'<tr><td><a href="home/{_path(name)}/">{_text(name)}</a></td></tr>' for name in names]
    body = f"<table>{''.join(rows)}</table>" if rows else "<p>There are none yet.</p>"
    return _PAGE.format(title="Homes", body=body)


def folder(root: str, home: str, path: Sequence[str], entries: Collection[Entry]) -> str:
    """Return the page of a folder.

    Parameters
    ----------
    root
        Address of the view, with a slash at its end.
    home
        Whose home.
    path
        Of the folder in it.
    entries
        What lies in it.
    """
    base = f"{root}home/{'/'.join([_path(home), *map(_path, path)])}"
    up = base.rpartition("/")[0] if path else root.rstrip("/")
    rows = "".join(_rows(entries, base))
    if len(entries) >= MOST:
        rows += f"<tr><td>Only {MOST} things of this folder are shown.</td></tr>"
    title = _text("/".join([home, *path]))
    return _PAGE.format(title=title, body=f'<p><a href="{up}/">Up</a></p><table>{rows}</table>')


def message(text: str) -> str:
    """Return a page that says something; the text is HTML."""
    return _PAGE.format(title="Homes", body=f"<p>{text}</p>")


def _rows(entries: Iterable[Entry], base: str) -> Iterator[str]:
    for entry in entries:
        address, name = f"{base}/{_path(entry.name)}", _text(entry.name)
        size, more = "", ""
        if not entry.name.isprintable():
            more = "its name is no plain text: not opened here"
        elif entry.kind == "folder":
            name = f'<a href="{address}/">{name}/</a>'
        elif entry.kind == "file":
            name, size = f'<a href="{address}?text">{name}</a>', readable(entry.size)
            more = f'<a href="{address}">save</a>'
        elif entry.kind == "link":
            more = f"link to {_text(entry.target)}, not followed"
        when = _when(entry.changed)
        yield f'<tr><td>{name}</td><td class="size">{size}</td><td>{when}</td><td>{more}</td></tr>'


def _when(seconds: float) -> str:
    """Return a moment in words; file systems keep more years than calendars have, and people set them."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return "at no time"


def _path(name: str) -> str:
    """Return a name for an address; one that is no text keeps its bytes, but no proxy carries them."""
    return quote(os.fsencode(name))


def _text(name: str) -> str:
    return escape(name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))

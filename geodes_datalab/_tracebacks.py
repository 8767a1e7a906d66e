"""Errors in notebooks: the line that somebody typed, the sentence, the cure; the rest on request.

A traceback through this package says nothing to whoever called it. IPython asks an exception how it wants to
be shown, and `GeodesError` answers with this; scripts and tests see the usual traceback.

Below the traceback of a missing package that the full lab has, a kernel says so: see `watch`.
"""

from __future__ import annotations

import json
import linecache
import site
import sys
import sysconfig
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from geodes_datalab._language import gettext, translated

MOST_LINES = 6
"""Of the statement that failed."""

FULL_LAB = Path(__file__).parent / "_full_lab.json"
"""Import names of the packages that only ``LAB=full`` has; ``scripts/make_full_lab.py`` writes it."""

# No colours: on the Lab's ground of errors, light and dark, its red and green can hardly be read.
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


def short(error: Exception) -> list[str]:
    """Return an error as IPython shows it: lines, what leads the eye in bold.

    Parameters
    ----------
    error
        With its traceback.
    """
    place = _place(error.__traceback__)
    lines = [f"{_BOLD}{type(error).__name__}{_PLAIN}"]
    if place is not None:
        where = f"{_BOLD}{_named(place.filename)}{_PLAIN}"
        lines[0] += " " + gettext("in {place}, line {line}", place=where, line=place.lineno)
        lines += _statement(place)
    lines += ["", *told(error).splitlines(), *getattr(error, "__notes__", ())]
    return [*lines, "  " + gettext("The whole traceback: geodes_datalab.errors.full()")]


def told(error: Exception) -> str:
    """Return the message of an error, and below it the hint, in the language of whoever reads it.

    Parameters
    ----------
    error
        One of `geodes_datalab.errors`; of another, what ``str`` says.
    """
    message, hint = getattr(error, "message", None), getattr(error, "hint", None)
    if not isinstance(message, str):
        return str(error)
    if not hint:
        return translated(message)
    return f"{translated(message)}\n  {gettext('What to do: {hint}', hint=translated(hint))}"


def full(error: BaseException | None = None) -> str:
    """Return the whole traceback of an error, by default of the last one that was shown."""
    last = error or getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    if last is None:
        return gettext("no error was shown so far")
    return "".join(traceback.format_exception(last))


def _place(trace: TracebackType | None) -> traceback.FrameSummary | None:
    """Return the innermost line that the user wrote; none where all of it is of packages."""
    frames = traceback.extract_tb(trace)
    return next((frame for frame in reversed(frames) if _of_the_user(frame.filename)), None)


def _of_the_user(file: str) -> bool:
    if file.startswith("<"):
        return file not in ("<frozen importlib._bootstrap>", "<frozen runpy>")
    path = Path(file)
    return not any(path.is_relative_to(folder) for folder in _packages())


def _packages() -> list[Path]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    found = [sysconfig.get_path(name) for name in names] + site.getsitepackages()
    return [Path(__file__).parent, *(Path(folder) for folder in dict.fromkeys(found))]


def _named(file: str) -> str:
    """Return how a notebook calls a place: its cell, or the name of a file."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    cell = shell.compile.format_code_name(file) if shell else None
    return " ".join(cell) if cell else Path(file).name


def _statement(place: traceback.FrameSummary) -> list[str]:
    first = place.lineno or 0
    last = min(place.end_lineno or first, first + MOST_LINES - 1)
    texts = [
        (number, linecache.getline(place.filename, number).rstrip())
        for number in range(first, last + 1)
    ]
    return [f"{_BOLD}{number:>6}{_PLAIN} {text}" for number, text in texts if text]


def watch() -> None:
    """Have IPython, where it runs, say where a package is that a cell did not find."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None and _tell_where not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", _tell_where)


def _tell_where(result: Any) -> None:
    """Print one line more below the traceback of a cell that imports what only the full lab has."""
    error = result.error_in_exec
    text = elsewhere(error.name or "") if isinstance(error, ModuleNotFoundError) else ""
    if text:
        print(text, file=sys.stderr)  # noqa: T201  # as the traceback was


def elsewhere(module: str) -> str:
    """Return what to do about a module that is not installed and that the full lab has; else nothing.

    Examples
    --------
    >>> print(elsewhere("cartopy"))
    cartopy is in the full lab: start it with "make up LAB=full"; or type in a terminal: geodes-datalab env create mine cartopy
    >>> elsewhere("cartopi")
    ''
    """
    package = json.loads(FULL_LAB.read_text("utf-8")).get(module)
    if package is None:
        return ""
    return gettext(
        '{package} is in the full lab: start it with "make up LAB=full"; '
        "or type in a terminal: geodes-datalab env create mine {package}",
        package=package,
    )

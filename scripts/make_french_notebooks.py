"""Write the French twins of the notebooks: ``notebooks/fr``, from the English ones and ``notebooks/locale/fr.po``.

``scripts/run python scripts/make_french_notebooks.py`` collects every text of the English notebooks into the
catalogue and drops those that nobody says any more; a text that changed keeps its old French, marked ``fuzzy``.
Translate what it names, remove the mark, and run it again: it writes the twin of each notebook of which no text
is missing. The code stays as it is but for comments and the texts that people see (`scripts/notebook_texts.py`).
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from scripts import notebook_texts  # noqa: E402  # run as a program, it finds its neighbour first

FOLDER = ROOT / "notebooks"
TWINS = FOLDER / "fr"
CATALOGUE = FOLDER / "locale" / "fr.po"
NOT_YET: frozenset[str] = frozenset()
"""Notebooks that have no twin yet: the French index links to the English one."""

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_DATE = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""Dates in the heading would differ with every run."""
_LINK = re.compile(r"\]\(([^)#:\s]+)(#[^)\s]*)?\)")

Translate = Callable[[str], str]


class Untranslated(LookupError):
    """A text has no French."""


def notebooks() -> list[Path]:
    """Return the English notebooks that have a twin, or shall have one."""
    found = sorted(FOLDER.glob("*/*.ipynb"))
    return [path for path in found if name_of(path) not in NOT_YET]


def name_of(path: Path) -> str:
    """Return a notebook's name, which its twin shares."""
    return path.relative_to(FOLDER).as_posix()


def cells(path: Path) -> list[dict[str, Any]]:
    """Return the cells of a notebook, each source as one text."""
    found = json.loads(path.read_text("utf-8"))["cells"]
    return [cell | {"source": "".join(cell["source"])} for cell in found]


def translated(cell: dict[str, Any], translate: Translate) -> str:
    """Return the source of a cell, each text of it translated."""
    if cell["cell_type"] == "code":
        return notebook_texts.replace_in_code(cell["source"], translate)
    return notebook_texts.replace_in_prose(cell["source"], translate)


def said() -> Iterator[tuple[str, str]]:
    """Yield every text, and the notebook and cell that say it."""
    for path in notebooks():
        for cell in cells(path):
            for text in texts(cell):
                yield text, f"{name_of(path)}#{cell['id']}"
    for shelf in yaml.safe_load((FOLDER / "gallery.yml").read_text("utf-8"))["shelves"]:
        yield shelf["title"], "gallery.yml"
        for entry in shelf["notebooks"]:
            yield entry["title"], "gallery.yml"
            yield entry["summary"], "gallery.yml"


def texts(cell: dict[str, Any]) -> list[str]:
    """Return the texts of a cell."""
    found: list[str] = []

    def note(text: str) -> str:
        found.append(text)
        return text

    translated(cell, note)
    return found


def read() -> Catalog:
    """Return the catalogue as it is translated."""
    if not CATALOGUE.is_file():
        return empty()
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="fr")


def empty() -> Catalog:
    """Return a catalogue of nothing."""
    heading = (
        "# The notebooks in French.\n"
        "# Brought up to date by: scripts/run python scripts/make_french_notebooks.py"
    )
    return Catalog(
        locale="fr", project="geodes-datalab", header_comment=heading, version="1", fuzzy=False,
        creation_date=_DATE, revision_date=_DATE, last_translator="The geodes-datalab contributors",
        language_team="fr", msgid_bugs_address="the project's issues",
    )  # fmt: skip


def wanted() -> Catalog:
    """Return a catalogue of every text, with the translations that are known."""
    told = empty()
    for text, place in said():
        told.add(text, locations=[(place, 0)])
    result, known = empty(), read()
    for message in known:
        if message.id:
            result[message.id] = message
    result.update(told)
    result.obsolete.clear()
    return result


def written(catalogue: Catalog) -> bytes:
    """Return a catalogue as translators read it."""
    result = io.BytesIO()
    write_po(result, catalogue, width=110, include_lineno=False)
    lines = result.getvalue().splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(b'"Generated-By'))


def translator(catalogue: Catalog) -> Translate:
    """Return a function that finds the French of a text."""

    def translate(text: str) -> str:
        message = catalogue.get(text)
        if message is None or not message.string or message.fuzzy:
            raise Untranslated(text)
        return str(message.string)

    return translate


def twin_of(path: Path) -> Path:
    """Return where the twin of a notebook is."""
    return TWINS / name_of(path)


def twin(path: Path, translate: Translate) -> str:
    """Return the French twin of a notebook, as it is stored."""
    made = []
    for cell in cells(path):
        source = translated(cell, translate)
        if cell["cell_type"] == "markdown":
            source = linked(source, path)
        made.append(cell | {"source": source.splitlines(keepends=True)})
    notebook = {"cells": made, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def linked(source: str, path: Path) -> str:
    """Return the prose of a twin with links to the French pages, where there are any."""

    def other(match: re.Match[str]) -> str:
        target = Path(os.path.normpath(path.parent / match[1]))
        if target == FOLDER / "README.md":
            target = FOLDER / "README.fr.md"
        elif target in notebooks():
            target = twin_of(target)
        relative = Path(os.path.relpath(target, twin_of(path).parent)).as_posix()
        return f"]({relative}{match[2] or ''})"

    return _LINK.sub(other, source)


def main() -> int:
    """Bring catalogue and twins up to date; say what is missing."""
    catalogue = wanted()
    CATALOGUE.write_bytes(written(catalogue))
    missing = [one for one in catalogue if one.id and (not one.string or one.fuzzy)]
    for message in missing:
        places = ", ".join(place for place, _ in message.locations)
        print(f"not translated: {places}: {message.id}")
    for path in notebooks():
        try:
            content = twin(path, translator(catalogue))
        except Untranslated:
            print(f"not written: {twin_of(path).relative_to(ROOT)}")
            continue
        twin_of(path).parent.mkdir(parents=True, exist_ok=True)
        twin_of(path).write_text(content, encoding="utf-8")
    for left in set(TWINS.glob("*/*.ipynb")) - {twin_of(path) for path in notebooks()}:
        print(f"removed: {left.relative_to(ROOT)}")
        left.unlink()
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())

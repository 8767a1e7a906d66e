"""Write the catalogues of the hub's pages: what templates and code say, and what that is in French.

``scripts/run python scripts/make_messages.py`` collects the messages into each ``hub.po``, where new ones
wait for their translation, drops those that nobody says any more, and compiles ``hub.mo``.
"""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from geodes_datalab.hub import languages, messages

TEMPLATES = Path(messages.__file__).parent / "templates"
DATE = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
"""Of all catalogues: git knows the true ones, and the same content shall be the same bytes."""

METHODS = [("**.html", "jinja2.ext.babel_extract")]


def said() -> Catalog:
    """Return every message: of the templates, of `messages`, of the words that no block has."""
    from geodes_datalab.hub.pages import OUTSIDE_OF_BLOCKS

    result = Catalog(project="geodes-datalab", fuzzy=False, creation_date=DATE)
    for name, _, message, _, _ in extract_from_dir(TEMPLATES, METHODS):
        result.add(message, locations=[(f"templates/{name}", 0)])
    from jinja2.ext import babel_extract

    for text in OUTSIDE_OF_BLOCKS.values():
        source = io.BytesIO(text.encode())
        for _, _, message, _ in babel_extract(source, ("_",), (), {"silent": "false"}):
            result.add(message, locations=[("pages.py", 0)])
    for message in sorted(messages.every()):
        result.add(message, locations=[("messages.py", 0)])
    return result


def place(language: str, suffix: str) -> Path:
    """Return the file of a catalogue (``po``, ``mo``)."""
    return languages.LOCALE / language / "LC_MESSAGES" / f"{languages.DOMAIN}.{suffix}"


def read(language: str) -> Catalog:
    """Return a catalogue as it is translated."""
    with place(language, "po").open("rb") as file:
        result = read_po(file, locale=language)
    result.creation_date = result.revision_date = DATE
    result.last_translator, result.language_team = "", ""
    result.msgid_bugs_address = ""
    return result


def compiled(catalogue: Catalog) -> bytes:
    """Return a catalogue as gettext reads it."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def translated(message: Message) -> bool:
    """Tell whether a message has its translation, in all its forms."""
    forms = message.string if isinstance(message.string, (list, tuple)) else [message.string]
    return bool(forms) and all(forms) and not message.fuzzy


def main() -> None:
    """Write every catalogue, and say what is not translated."""
    for language in languages.LANGUAGES:
        if language == languages.ENGLISH:
            continue
        catalogue = read(language)
        catalogue.update(said(), no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        with place(language, "po").open("wb") as file:
            write_po(file, catalogue, width=100, sort_output=True, include_lineno=False)
        place(language, "mo").write_bytes(compiled(catalogue))
        for message in catalogue:
            if message.id and not translated(message):
                print(f"{language}: not translated: {message.id}")


if __name__ == "__main__":
    main()

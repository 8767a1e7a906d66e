"""The catalogues of messages beside what the code and the templates say: of the package, of the hub's pages.

``python scripts/make_messages.py`` brings them up to date with these functions; tests compare with them.
"""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter

import click
from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract
from support import messages

from geodes_datalab import _commands, _language
from geodes_datalab.cli import main
from geodes_datalab.hub import languages
from geodes_datalab.hub import messages as hub_messages

ROOT = Path(__file__).parent.parent.parent
LANGUAGES = _language.KNOWN[1:]
WIDTH = 110
_NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)
"""Dates in the heading would differ with every run."""

Said = tuple[str | tuple[str, ...], str | None, tuple[str, ...]]
"""A text (or its forms), its context, and the places that say it."""


@dataclass(frozen=True)
class Domain:
    """What has catalogues of its own."""

    name: str
    folder: Path
    said: Callable[[], Iterator[Said]]
    """Yields every text."""

    def source(self, language: str) -> Path:
        """Return the path of a catalogue."""
        return self.folder / language / "LC_MESSAGES" / f"{self.name}.po"

    def read(self, language: str) -> Catalog:
        """Read a catalogue as it is translated."""
        return read(self.source(language), language)

    def wanted(self, language: str, known: Iterable[Catalog] = ()) -> Catalog:
        """Return a catalogue of what is said, with the translations that are known."""
        result = Catalog(
            locale=language, project="geodes-datalab", header_comment=f"# geodes-datalab: {language}"
            "\n# Brought up to date and compiled by: python scripts/make_messages.py",
            creation_date=_NO_DATE, revision_date=_NO_DATE, last_translator="The geodes-datalab contributors",
            language_team=language, msgid_bugs_address="the project's issues", version="1", fuzzy=False,
        )  # fmt: skip
        known = list(known)
        for text, context, places in self.said():
            old = (one.get(text, context) for one in known)
            told = next((one.string for one in old if one is not None and any(forms(one))), "")
            where = [(place, 0) for place in places]
            result.add(text, told, context=context, locations=where)
        return result


def of_package() -> Iterator[Said]:
    """Yield every text of the package's code, with the parts that say it."""
    for phrase, parts in messages.phrases().items():
        yield phrase, None, _places(parts)
    for template, parts in messages.errors().items():
        yield template, "error", _places(parts)
    for text in of_help(main):
        yield text, None, ("geodes_datalab/cli",)


def of_help(command: click.Command) -> Iterator[str]:
    """Yield what the help of a command says, and that of the commands under it."""
    for one in (command, *command.params):
        if isinstance(one, _commands.Command | _commands.Group | _commands.Option):
            yield from _commands.phrases(one.english)
        elif not isinstance(one, click.Argument):
            raise TypeError(f"{one}: make commands and options of geodes_datalab._commands")
    for under in getattr(command, "commands", {}).values():
        yield from of_help(under)


def of_pages() -> Iterator[Said]:
    """Yield every text of the hub's pages: of templates, of messages, of words that no block has."""
    from geodes_datalab.hub.pages import OUTSIDE_OF_BLOCKS

    templates = Path(hub_messages.__file__).parent / "templates"
    methods = [("**.html", "jinja2.ext.babel_extract")]
    for name, _, text, _, _ in extract_from_dir(templates, methods):
        told = text if isinstance(text, str) else tuple(one for one in text if one)
        yield told, None, (f"templates/{name}",)
    for replaced in OUTSIDE_OF_BLOCKS.values():
        source = io.BytesIO(replaced.encode())
        for _, _, literal, _ in babel_extract(source, ("_",), (), {"silent": "false"}):
            if isinstance(literal, str):  # else it is what a variable says
                yield literal, None, ("pages.py",)
    for text in sorted(hub_messages.every()):
        yield text, None, ("messages.py",)


def _places(parts: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"geodes_datalab/{part}" for part in sorted(parts))


PACKAGE = Domain(_language.DOMAIN, _language.FOLDER, of_package)
PAGES = Domain(languages.DOMAIN, languages.LOCALE, of_pages)
DOMAINS = (PACKAGE, PAGES)


def read(path: Path, language: str) -> Catalog:
    """Read a catalogue; an empty one where there is none."""
    if not path.is_file():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def compiled(catalogue: Catalog) -> bytes:
    """Return a catalogue as gettext reads it."""
    result = io.BytesIO()
    write_mo(result, catalogue)
    return result.getvalue()


def written(catalogue: Catalog) -> bytes:
    """Return a catalogue as translators read it."""
    result = io.BytesIO()
    write_po(result, catalogue, width=WIDTH, sort_output=True, include_lineno=False)
    lines = result.getvalue().splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(b'"Generated-By'))


def pairs(catalogue: Catalog) -> dict[tuple[str | None, str], tuple[str, ...]]:
    """Return what a catalogue translates: context and text, and the forms of the translation."""
    return {(entry.context, first(entry.id)): forms(entry) for entry in catalogue if entry.id}


def read_compiled(path: Path) -> dict[tuple[str | None, str], tuple[str, ...]]:
    """Return what gettext reads, in the form of `pairs`."""
    with path.open("rb") as file:
        known = vars(gettext.GNUTranslations(file))["_catalog"]
    result: dict[tuple[str | None, str], tuple[str, ...]] = {}
    for key, told in known.items():
        text = key if isinstance(key, str) else key[0]
        context, _, plain = text.rpartition("\x04")
        entry = (context or None, plain)
        if plain:
            result[entry] = (*result.get(entry, ()), told)
    return result


def first(text: str | Iterable[str]) -> str:
    """Return a text, or the first of its forms."""
    return text if isinstance(text, str) else next(iter(text))


def untranslated(catalogue: Catalog) -> list[Message]:
    """Return the entries without a translation, or without one of its forms."""
    return [one for one in catalogue if one.id and not all(forms(one))]


def forms(entry: Message) -> tuple[str, ...]:
    """Return the forms of a translation."""
    return (entry.string,) if isinstance(entry.string, str) else tuple(entry.string or ())


def fields(text: str) -> set[str]:
    """Return the names of a template's fields: ``{name}``, and Jinja's ``%(name)s``."""
    braces = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    return braces | set(re.findall(r"%\((\w+)\)s", text))


def endings(template: str) -> set[str]:
    """Return the fields that are endings of words, such as ``band{value}``: other languages have others."""
    found, before = set(), ""
    for text, name, _, _ in Formatter().parse(template):
        if name is not None and (text or before)[-1:].isalpha():
            found.add(name)
        before = text
    return found

"""The catalogues of messages in ``geodes_datalab/locale``, beside what the code says.

``python tests/support/catalogue.py`` brings them up to date: it adds what the code says anew, without a
translation, drops what it says no more, and compiles the rest. Fill in the empty ``msgstr``, then run it again.
Translations that stand in another file are taken from there: ``python tests/support/catalogue.py OTHER.po``.
"""

from __future__ import annotations

import gettext
import io
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter

from babel.messages import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "tests"))

from support import messages  # noqa: E402  # run as a program, it finds its neighbours first

FOLDER = ROOT / "geodes_datalab" / "locale"
LANGUAGES = ("fr",)
WIDTH = 110
_NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)
"""Dates in the heading would differ with every run."""


def source(language: str) -> Path:
    """Return the path of a catalogue."""
    return FOLDER / language / "LC_MESSAGES" / "geodes_datalab.po"


def read(path: Path, language: str) -> Catalog:
    """Read a catalogue; an empty one where there is none."""
    if not path.is_file():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def wanted(language: str, known: Iterable[Catalog] = ()) -> Catalog:
    """Return a catalogue of what the code says, with the translations that are known."""
    result = Catalog(
        locale=language, project="geodes-datalab", header_comment=f"# geodes-datalab: {language}"
        "\n# Brought up to date and compiled by: python tests/support/catalogue.py",
        creation_date=_NO_DATE, revision_date=_NO_DATE, last_translator="The geodes-datalab contributors",
        language_team=language, msgid_bugs_address="the project's issues", version="1", fuzzy=False,
    )  # fmt: skip
    known = list(known)
    for text, context, parts in said():
        old = (one.get(text, context) for one in known)
        told = next((one.string for one in old if one is not None and any(forms(one))), "")
        places = [(f"geodes_datalab/{part}", 0) for part in sorted(parts)]
        result.add(text, told, context=context, locations=places)
    return result


def said() -> Iterator[tuple[str | tuple[str, str], str | None, frozenset[str]]]:
    """Yield every text of the code with its context and the parts that say it."""
    for phrase, parts in messages.phrases().items():
        yield phrase, None, parts
    for template, parts in messages.errors().items():
        yield template, "error", parts


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


def read_compiled(language: str) -> dict[tuple[str | None, str], tuple[str, ...]]:
    """Return what gettext reads, in the form of `pairs`."""
    with source(language).with_suffix(".mo").open("rb") as file:
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
    """Return the names of a template's fields."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def endings(template: str) -> set[str]:
    """Return the fields that are endings of words, such as ``band{value}``: other languages have others."""
    found, before = set(), ""
    for text, name, _, _ in Formatter().parse(template):
        if name is not None and (text or before)[-1:].isalpha():
            found.add(name)
        before = text
    return found


def update(others: Iterable[Path] = ()) -> None:
    """Write every catalogue anew, and compile it."""
    for language in LANGUAGES:
        path = source(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        known = [read(one, language) for one in (path, *others)]
        result = wanted(language, known)
        gone = pairs(known[0]).keys() - pairs(result).keys()
        path.write_bytes(written(result))
        path.with_suffix(".mo").write_bytes(compiled(result))
        for _, text in sorted(gone, key=lambda key: key[1]):
            print(f"{language}: no longer said: {text!r}")
        for entry in untranslated(result):
            print(f"{language}: to be translated: {entry.id!r}")
        print(f"{language}: {len(result)} texts in {path.relative_to(ROOT)}")


if __name__ == "__main__":
    update(Path(name) for name in sys.argv[1:])

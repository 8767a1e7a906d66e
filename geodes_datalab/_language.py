"""The language in which people are spoken to: catalogues of messages in ``locale/``, read by gettext.

Errors are English, in ``str(error)``, logs and tests. Where a person sees one, `translated` finds the template
that it was made from (``unknown period {period}``) and fills in that template's translation. Tables and labels
call `gettext` and `ngettext` as they are made.

The language is the one that `use` chose, else that of ``GEODES_DATALAB_LANGUAGE``, which the hub sets, else
what gettext looks at: ``LANGUAGE``, ``LC_ALL``, ``LC_MESSAGES``, ``LANG``.

To write or mend translations: ``python scripts/make_messages.py``.
"""

from __future__ import annotations

import gettext as catalogues
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from string import Formatter
from typing import Any

DOMAIN = "geodes_datalab"
FOLDER = Path(__file__).parent / "locale"
VARIABLE = "GEODES_DATALAB_LANGUAGE"
KNOWN = ("en", "fr")
"""Languages; what the code says is in the first."""
ERRORS = "error"
"""Context of the catalogue's entries that are templates of errors."""
DEPTH = 3
"""Sentences within sentences: a hint may say what another error said."""

_VARIABLES = (VARIABLE, "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
_BETWEEN = re.compile(r"(?<=[\"']) (or|and) (?=[\"'])")
"""Between names: the only words of a field that is no sentence."""
_UNITS = re.compile(r"(\d+)(?:\.(\d+))? ([kMGT]?)B")


@dataclass
class _Choice:
    language: str | None = None


_chosen = _Choice()


def use(language: str | None) -> None:
    """Choose the language of this process, one of `KNOWN`; None: as the environment says."""
    _chosen.language = language


def current() -> str:
    """Return the language that is spoken now.

    Examples
    --------
    >>> use("fr")
    >>> current(), gettext("yes")
    ('fr', 'oui')
    >>> use(None)
    """
    if _chosen.language:
        return _chosen.language
    told = next((value for name in _VARIABLES if (value := os.environ.get(name))), "")
    for wish in told.split(":"):
        language = re.split("[_.@-]", wish.casefold())[0]
        if language in KNOWN:
            return language
    return KNOWN[0]


def gettext(text: str, /, **fields: object) -> str:
    """Return a text in the language of whoever reads it, with its fields filled in.

    Parameters
    ----------
    text
        English, as in the catalogue: a literal, so that it is found there.
    fields
        What stands in it in braces.
    """
    return catalogue(current()).gettext(text).format(**fields)


def mark(text: str) -> str:
    """Return a text as it is, and have it in the catalogue: `shown` translates it where it is shown."""
    return text


def shown(text: str) -> str:
    """Return a text that is no literal, such as one that `mark` marked elsewhere, as `gettext` does."""
    return catalogue(current()).gettext(text)


def plain(text: str, /, **fields: object) -> str:
    """Return a text as it is, in English, with its fields filled in: what errors and logs say."""
    return text.format(**fields)


def ngettext(one: str, many: str, count: int, /, **fields: object) -> str:
    """Return the text that fits a number, which is the field ``count``.

    Parameters
    ----------
    one, many
        English, for 1 and for other numbers.
    count
        The number. French takes its singular for 0, too.
    fields
        What else stands in braces.
    """
    return catalogue(current()).ngettext(one, many, count).format(count=count, **fields)


def translated(text: str) -> str:
    """Return the text of an error, or of a hint, in the language of whoever reads it.

    What was made from no template of the catalogue stays as it is.

    Examples
    --------
    >>> use("fr")
    >>> translated("the cluster 1a2b is closed")
    'le cluster 1a2b est fermé'
    >>> use(None)
    """
    return _retold(text, catalogue(current()).sentences, DEPTH)


def quantity(text: str) -> str:
    """Return a size as `geodes_datalab._display.size` writes it, in the language of whoever reads it.

    Examples
    --------
    >>> use("fr")
    >>> quantity("18.7 kB")
    '18,7 ko'
    >>> use(None)
    """
    found = _UNITS.fullmatch(text) if current() == "fr" else None
    if found is None:
        return text
    return f"{found[1]}{',' if found[2] else ''}{found[2] or ''} {found[3]}o"


@dataclass(frozen=True)
class _Sentence:
    """A template in two languages."""

    english: str
    other: str

    @cached_property
    def parts(self) -> tuple[list[str], list[str]]:
        """What stands between the fields, and the names of the fields."""
        words, names = [""], []
        for text, name, _, _ in Formatter().parse(self.english):
            words[-1] += text
            if name is not None:
                names.append(name)
                words.append("")
        return words, names

    @cached_property
    def weight(self) -> int:
        """How much of it is words: of two templates that fit, the longer one says more."""
        return len("".join(self.parts[0]))

    def fields(self, text: str) -> dict[str, str] | None:
        """Return what fills the fields, None where a text is not made from this template."""
        (first, *between), names = self.parts
        if not between:
            return {} if text == first else None
        if not text.startswith(first) or not text.endswith(between[-1]):
            return None
        last = len(text) - len(between[-1])
        values, place = [], len(first)
        for words in between[:-1]:
            found = text.find(words, place, last)
            if found < 0:
                return None
            values.append(text[place:found])
            place = found + len(words)
        return dict(zip(names, [*values, text[place:last]], strict=True)) if place <= last else None


class _Translations(catalogues.GNUTranslations):
    """A compiled catalogue that also tells its templates of errors."""

    _catalog: dict[Any, str]

    def gettext(self, message: str) -> str:
        """Return a text in this language; an empty one is empty (gettext gives its own heading)."""
        return super().gettext(message) if message else ""

    @cached_property
    def sentences(self) -> list[_Sentence]:
        """The longest first."""
        prefix = f"{ERRORS}\x04"
        found = [
            _Sentence(key.removeprefix(prefix), value)
            for key, value in self._catalog.items()
            if isinstance(key, str) and key.startswith(prefix)
        ]
        return sorted(found, key=lambda one: (-one.weight, one.english))


class _AsWritten(catalogues.NullTranslations):
    """English."""

    sentences: tuple[_Sentence, ...] = ()


@cache
def catalogue(
    language: str, domain: str = DOMAIN, folder: Path | None = None
) -> _Translations | _AsWritten:
    """Return what is said in a language; any but `KNOWN` speaks English.

    Parameters
    ----------
    language
        One of `KNOWN`.
    domain
        Name of the catalogue.
    folder
        Of catalogues, as gettext lays them out; by default the package's own.

    Examples
    --------
    >>> catalogue("fr").gettext("yes"), catalogue("de").gettext("yes")
    ('oui', 'yes')
    """
    path = (folder or FOLDER) / language / "LC_MESSAGES" / f"{domain}.mo"
    known = language in KNOWN[1:] and path.is_file()
    if not known:  # rather English than an error about an error
        return _AsWritten()
    with path.open("rb") as compiled:
        return _Translations(compiled)


def _retold(text: str, sentences: Iterable[_Sentence], depth: int) -> str:
    for sentence in sentences if depth else ():
        fields = sentence.fields(text)
        if fields is not None:
            told = {name: _field(value, sentences, depth - 1) for name, value in fields.items()}
            return sentence.other.format(**told)
    words = {"or": gettext("or"), "and": gettext("and")}
    return quantity(_BETWEEN.sub(lambda found: f" {words[found[1]]} ", text))


def _field(text: str, sentences: Iterable[_Sentence], depth: int) -> str:
    """Translate what fills a field, and keep the space around it."""
    inner = text.strip()
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return before + _retold(inner, sentences, depth) + after if inner else text

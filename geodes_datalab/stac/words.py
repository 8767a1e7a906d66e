"""Search of collections by words: what was typed, its synonyms in two languages, and how well they fit."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise

from geodes_datalab.stac.shipped import Collection

WEIGHTS = {
    "id": 6,
    "title": 5,
    "keywords": 4,
    "constellation": 3,
    "instruments": 3,
    "level": 2,
    "description": 1,
}
"""How much it says of a collection that a word stands there."""

LONGEST = 5
"""Words that together may have synonyms."""

BEGINNING = 4
"""Letters from which a word also finds those that it begins: ``sol`` is not the beginning of ``solution``."""

_WHOLE, _PART = 2, 1
_COMPOUND = re.compile(r"\b(long|micro|short)-(wave)", re.IGNORECASE)
"""Who looks for waves means those of the sea."""
_ALL = tuple(WEIGHTS)
_NAMES = tuple(name for name in WEIGHTS if name != "description")
_LITTLE = frozenset(
    [
        "a",
        "an",
        "and",
        "for",
        "in",
        "of",
        "on",
        "the",
        "to",
        "with",
        "au",
        "aux",
        "d",
        "dans",
        "de",
        "des",
        "du",
        "en",
        "et",
        "l",
        "la",
        "le",
        "les",
        "par",
        "pour",
        "sur",
        "un",
        "une",
    ]
)
"""Words that say nothing: "niveaux d'eau" are two words."""

Term = tuple[str, ...]
"""What was typed, squashed, and all that means the same."""


def terms(text: str) -> list[Term]:
    """Read what was typed: one term for each word, or for several words that have synonyms together.

    Parameters
    ----------
    text
        Words in English or French; what is hyphenated is one.

    Examples
    --------
    >>> [one[0] for one in terms("niveaux d'eau sentinel-2")]
    ['niveaueau', 'sentinel2']
    >>> "snow" in terms("neige")[0]
    True
    """
    words = _words(text)
    result: list[Term] = []
    while words:
        for count in range(min(LONGEST, len(words)), 0, -1):
            joined = "".join(singular(word) for word in words[:count])
            if joined in synonyms() or count == 1:
                typed = (joined,) if count > 1 else (words[0], joined)
                result.append(tuple(dict.fromkeys((*typed, *synonyms().get(joined, ())))))
                words = words[count:]
                break
    return result


def score(one: Collection, wanted: Sequence[Term], *, names: Sequence[bool] = ()) -> int:
    """Return how well a collection fits, 0 where a term is missing.

    Parameters
    ----------
    one
        The collection.
    wanted
        Terms; all must be found.
    names
        Which of them are names of satellites: a description that mentions another satellite does not count.
    """
    total = 0
    for place, term in enumerate(wanted):
        where = _NAMES if names and names[place] else _ALL
        best = max(WEIGHTS[name] * _fit(term, getattr(one, name), name) for name in where)
        if not best:
            return 0
        total += best
    return total


def satellites(known: Sequence[Collection], wanted: Sequence[Term]) -> list[bool]:
    """Tell which terms name a satellite that one of the collections has."""
    names = {squashed(name) for one in known for name in (one.constellation or "").split(",")}
    return [term[0] in names for term in wanted]


@cache
def synonyms() -> Mapping[str, Term]:
    """Return what means the same as a word or several, squashed and in the singular."""
    content = files("geodes_datalab.stac").joinpath("data/synonyms.toml").read_text("utf-8")
    result: dict[str, Term] = {}
    for group in tomllib.loads(content)["same"]:
        same = tuple("".join(singular(word) for word in _words(text)) for text in group)
        for one in same:
            result[one] = tuple(dict.fromkeys((*result.get(one, ()), *same)))
    return result


def squashed(text: str) -> str:
    """Return a text without case, accents and punctuation.

    Examples
    --------
    >>> squashed("Sentinel-2"), squashed("Forêt")
    ('sentinel2', 'foret')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9]+", "", plain)


def singular(word: str) -> str:
    """Return a squashed word without the plural's ending, English or French.

    Examples
    --------
    >>> singular("clouds"), singular("niveaux"), singular("gps")
    ('cloud', 'niveau', 'gps')
    """
    return word[:-1] if len(word) > 3 and word[-1] in "sx" and not word.endswith("ss") else word


def _words(text: str) -> list[str]:
    found = [word for part in re.split(r"[\s'\u2019,;]+", text) if (word := squashed(part))]
    return [word for word in found if word not in _LITTLE] or found


def _fit(term: Term, value: str | tuple[str, ...] | None, name: str) -> int:
    """Return 2 where one of the words stands there, 1 for the beginning of a word, 0 for nothing."""
    texts = value if isinstance(value, tuple) else (value or "",)
    words = frozenset(word for text in texts for word in _standing(text))
    if any(one in words for one in term):
        return _WHOLE
    begins = [one for one in term if len(one) >= BEGINNING or re.search(r"\d", one)]
    if any(word.startswith(one) for one in begins for word in words):
        return _PART
    return _PART * any(one in squashed(text) for one in begins for text in texts if name == "id")


@cache
def _standing(text: str) -> tuple[str, ...]:
    """Return the words of a text, squashed, one by one and up to `LONGEST` as one; and their singulars."""
    text = _COMPOUND.sub(r"\1\2", text)
    hyphenated = (squashed(part) for part in re.split(r"[\s_,;:()./]+", text))
    return (*hyphenated, *_runs([squashed(part) for part in re.split(r"\W+|_", text)]))


def _runs(words: Sequence[str]) -> Iterator[str]:
    kept = [word for word in words if word and word not in _LITTLE]
    yield from kept
    yield from (one + other for one, other in pairwise(kept))  # "Sentinel 2" is "Sentinel-2"
    bare = [singular(word) for word in kept]
    for count in range(1, LONGEST + 1):
        yield from ("".join(bare[place : place + count]) for place in range(len(bare) - count + 1))

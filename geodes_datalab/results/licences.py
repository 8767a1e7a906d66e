"""Under which licence results may be published: one of SPDX's names, that the inputs' licences allow."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from geodes_datalab._display import some
from geodes_datalab.errors import LicenceRefused, near

_CLOSED = re.compile(
    r"\b(proprietary|various|airbus|dinamis|by product|per product|no redistribution|"
    r"redistribution is not)\b",
    re.IGNORECASE,
)
"""What licences say whose data may not be passed on, or not by everybody."""

_NON_COMMERCIAL = re.compile(r"\bNC\b|non.?commercial", re.IGNORECASE)
_UNCHANGED = re.compile(r"\bND\b|no.?deriv", re.IGNORECASE)
_ALIKE = re.compile(r"\bSA\b|share.?alike|\bODbL\b", re.IGNORECASE)
_SPDX = re.compile(r"[A-Za-z0-9.]+(?:-[A-Za-z0-9.]+)+")


@dataclass(frozen=True)
class Licence:
    """A licence, and what it asks."""

    name: str
    """SPDX's name, or what a catalogue says."""
    title: str = ""
    use: str = "any"
    """``any`` or ``non-commercial``."""
    works: str = "any"
    """What may be made of the data: ``any``, ``alike`` (under the same licence) or ``none``."""
    closed: bool = False
    """Whether it may not be passed on, or not by everybody."""


@cache
def known() -> Mapping[str, Licence]:
    """Return the licences under which results may be published, by SPDX's names."""
    text = files("geodes_datalab.results").joinpath("data/licences.toml").read_text("utf-8")
    return {name: Licence(name, **entry) for name, entry in tomllib.loads(text).items()}


def licence_of(name: Any) -> Licence:
    """Return a licence by its name, in whichever case it is written.

    Raises
    ------
    LicenceRefused
        None is given, or one that is not known.

    Examples
    --------
    >>> licence_of("cc-by-4.0").name
    'CC-BY-4.0'
    """
    plain = {one.casefold(): licence for one, licence in known().items()}
    result = plain.get(name.strip().casefold()) if isinstance(name, str) else None
    if result is not None:
        return result
    listed = ", ".join(known())
    if name is None:
        raise LicenceRefused(
            "results need a licence: without one, nobody may use them",
            'give licence=, for example "etalab-2.0" or "CC-BY-4.0"',
        )
    raise LicenceRefused(
        f"{name!r} is not one of the licences for results, by their SPDX names",
        near(str(name), list(known())) or f"give one of: {listed}",
    )


def understood(text: str) -> Licence:
    """Return what a catalogue's words on a licence ask, as far as they tell.

    Examples
    --------
    >>> understood("CC-BY-NC-4.0; restricted to each project").use
    'non-commercial'
    >>> understood("of DINAMIS or Airbus, by product").closed
    True
    """
    for word in (text.strip(), *_SPDX.findall(text)):
        name = next((one for one in known() if one.casefold() == word.casefold()), None)
        if name:
            one = known()[name]
            return Licence(text, one.title, one.use, one.works, bool(_CLOSED.search(text)))
    works = "none" if _UNCHANGED.search(text) else "alike" if _ALIKE.search(text) else "any"
    use = "non-commercial" if _NON_COMMERCIAL.search(text) else "any"
    return Licence(text, "", use, works, bool(_CLOSED.search(text)))


def refuse_forbidden(licence: Licence, inputs: Mapping[str, Iterable[str]], *, shown: bool) -> None:
    """Refuse a licence that those of the inputs do not allow.

    Parameters
    ----------
    licence
        Of the results.
    inputs
        What catalogues say of a licence, each with the collections or items that it covers.
    shown
        Whether others than the owner will see the results.

    Raises
    ------
    LicenceRefused
        With the inputs that forbid it, and what would be allowed.
    """
    for text, covered in inputs.items():
        asked, of = understood(text), some(sorted(covered))
        if asked.use == "non-commercial" and licence.use != "non-commercial":
            raise LicenceRefused(
                f"{of} may be used for non-commercial purposes only ({text}), and {licence.name} allows others",
                'give a licence that does not, such as licence="CC-BY-NC-4.0"',
            )
        if asked.works == "alike" and licence.name.casefold() not in text.casefold():
            raise LicenceRefused(
                f"what is made of {of} must have the same licence ({text}), and {licence.name} is another",
                f"give that licence: {_spdx(text)}",
            )
        if shown and asked.works == "none":
            raise LicenceRefused(
                f"what is made of {of} may not be passed on ({text})",
                'keep it for yourself, with visibility="private", or ask the producer',
            )
        if shown and asked.closed:
            raise LicenceRefused(
                f"{of} may not be passed on without the producer's consent ({text})",
                'keep it for yourself, with visibility="private", or ask the producer',
            )


def _spdx(text: str) -> str:
    return next((one for one in known() if one.casefold() in text.casefold()), text)

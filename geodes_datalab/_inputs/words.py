"""Names and lists of names: a text, or anything that holds texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from geodes_datalab.errors import InvalidInput

BANDS = {
    "nir": ("nir", "nir08"),
    "swir1": ("swir16", "swir1"),
    "swir2": ("swir22", "swir2"),
}
"""Common names of bands -> names under which catalogues know them; the first found is taken."""

WordsLike: TypeAlias = str | Iterable[str]
"""One name, or a list, array or column of names."""


def words(value: WordsLike | None, name: str, *, none: bool = False) -> tuple[str, ...] | None:
    """Read names.

    Parameters
    ----------
    value
        See `WordsLike`. Things that have an ``id``, such as collections, stand for it.
    name
        Of the argument, for messages.
    none
        Whether an empty list is as good as any other.

    Returns
    -------
    tuple of str or None
        Each name once, in their order; None where nothing was given.

    Raises
    ------
    InvalidInput
        Not names, or an empty list: it would find nothing, and most often comes from a step before
        that found nothing.

    Examples
    --------
    >>> words(["B04", "B08", "B04"], "bands")
    ('B04', 'B08')
    """
    if value is None:
        return None
    result = tuple(dict.fromkeys(_word(item, name) for item in _members(value, name)))
    if not result and not none:
        raise InvalidInput(
            f"{name} is an empty list, which stands for nothing at all",
            f"leave {name} out to have all, or look why the list is empty",
        )
    return result


def _members(value: Any, name: str) -> Iterable[Any]:
    if isinstance(value, str) or _id(value) is not None:
        return (value,)
    if isinstance(value, Mapping | bytes):
        raise _no_words(value, name)
    try:
        return tuple(value)
    except TypeError as error:
        raise _no_words(value, name) from error


def _word(value: Any, name: str) -> str:
    text = value if isinstance(value, str) else _id(value)
    if text is None or not text.strip():
        raise _no_words(value, name)
    return str(text).strip()


def _id(value: Any) -> str | None:
    result = getattr(value, "id", None)
    return result if isinstance(result, str) else None


def _no_words(value: Any, name: str) -> InvalidInput:
    return InvalidInput(
        f"{name} must be texts, not {value!r}", f'write {name}="..." or a list of them'
    )

"""What an identity provider tells about somebody: texts and lists, at places with dots in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


def find(told: Any, path: str) -> Any:
    """Return what stands at a path, or None.

    A name that holds dots itself goes before a path: ``https://example.org/groups`` is one name, and
    so is ``resource_access.datalab`` where a provider writes it so.

    Parameters
    ----------
    told
        What the provider told.
    path
        Names, with a dot between them.

    Examples
    --------
    >>> find({"https://example.org/groups": ["a"], "x": {"y.z": {"g": "b"}}}, "x.y.z.g")
    'b'
    """
    if not isinstance(told, Mapping):
        return None
    if path in told:
        return told[path]
    parts = path.split(".")
    for count in range(len(parts) - 1, 0, -1):
        head, rest = ".".join(parts[:count]), ".".join(parts[count:])
        if head in told and (result := find(told[head], rest)) is not None:
            return result
    return None


def texts(told: Any) -> set[str]:
    """Return the texts of a claim that may be one text or a list of them.

    Examples
    --------
    >>> sorted(texts("staff")), sorted(texts(["a", "b", None]))
    (['staff'], ['a', 'b'])
    """
    if isinstance(told, str):
        return {told} if told else set()
    if isinstance(told, (list, tuple, set, frozenset)):
        return {item for item in told if isinstance(item, str) and item}
    return set()


@dataclass(frozen=True)
class Name:
    """The claim that names somebody, for OAuthenticator: a call with all claims gives the name."""

    claim: str
    """The name of the claim, or a path to it."""

    def __str__(self) -> str:
        """Return the claim's name, which OAuthenticator's messages show."""
        return self.claim

    def __call__(self, told: Mapping[str, Any]) -> str:
        """Return the name, or an empty text."""
        result = find(told, self.claim)
        return (
            str(result) if isinstance(result, (str, int)) and not isinstance(result, bool) else ""
        )

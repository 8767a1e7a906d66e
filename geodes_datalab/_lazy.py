"""Names of a package that are imported when they are first used (PEP 562)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def attach(
    package: str, places: Mapping[str, str], extras: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package with lazy names.

    ``dir`` lists these names alone, which is what completion then offers.

    Parameters
    ----------
    package
        Its ``__name__``.
    places
        Name to the module that holds it: below the package, or beside it where it begins with a dot.
    extras
        Module to the extra of geodes-datalab that brings what it needs.
    """

    def get(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        place = places[name]
        return _found(package, place, name, (extras or {}).get(place, ""))

    def names() -> list[str]:
        return sorted(places)

    return get, names


def _found(package: str, place: str, name: str, extra: str) -> Any:
    from importlib import import_module

    try:
        return getattr(import_module(f".{place}", package), name)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if not extra or missing == package.partition(".")[0]:
            raise
        from geodes_datalab.errors import MissingDependency

        raise MissingDependency(
            f"{name} needs the Python package {missing!r}, which is not installed",
            hint=f'pip install "geodes-datalab[{extra}]"',
        ) from error

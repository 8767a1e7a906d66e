"""Optional packages: test for them without importing, or fail with the line that installs them."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from geodes_datalab.errors import MissingDependency


def have(name: str) -> bool:
    """Tell whether a top-level package is installed, without importing it.

    Examples
    --------
    >>> have("json"), have("no_such_package")
    (True, False)
    """
    return find_spec(name) is not None


def need(name: str, *, extra: str) -> ModuleType:
    """Import an optional module.

    Parameters
    ----------
    name
        Dotted module name.
    extra
        The extra of geodes-datalab that brings it.

    Raises
    ------
    MissingDependency
        With the exact ``pip install`` line.

    Examples
    --------
    >>> need("json", extra="lab").__name__
    'json'
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(error.name + ".")):
            raise
        raise MissingDependency(
            f"this needs the Python package {error.name!r}, which is not installed",
            hint=f'pip install "geodes-datalab[{extra}]"',
        ) from error

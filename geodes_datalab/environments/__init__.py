"""Environments of a user's own: more packages, on top of the datalab's.

The packages of the datalab belong to everybody; in an image they can only be read. An environment is a
folder in the user's home with a Python that sees them, packages of its own before them, a ``pip`` that
installs into it, and a kernel in the launcher. What was asked for is recorded in it, so that it can be
made anew where the Python beneath it has gone (`renew`).

Why it is made as it is: an environment of Python's own (``venv``) costs 36 kB and 0.1 s. A ``.pth`` file
adds the datalab's folder of packages, since ``--system-site-packages`` would add those of the Python that
the datalab itself stands on. The datalab's pip, run by the environment's Python, then installs into the
environment and takes for installed what the datalab has. uv does not look at such folders and would install
all of it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from geodes_datalab._lazy import attach

_PLACES = {
    "Environment": "found",
    "add": "verbs",
    "create": "verbs",
    "find": "found",
    "find_all": "found",
    "remove": "verbs",
    "renew": "verbs",
}

if TYPE_CHECKING:
    from geodes_datalab.environments.found import Environment, find, find_all
    from geodes_datalab.environments.verbs import add, create, remove, renew

__all__ = ["Environment", "add", "create", "find", "find_all", "remove", "renew"]

__getattr__, __dir__ = attach(__name__, _PLACES)

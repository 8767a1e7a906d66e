"""The language server of the Lab's notebooks and files: Ruff, which is there for everybody at 16 MB.

It marks what is wrong or unused while one types, and offers cures. Completion and help come from the
kernel, which knows the values, as in any Lab. python-lsp-server reads all that is imported: 220 MB for
each user with a notebook open, and ten seconds at the start.

jupyter-lsp finds this by the entry point ``jupyter_lsp_spec_v1``. Standard library only.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SETTINGS = Path(__file__).parent / "lab"
"""Holds ``ruff/ruff.toml``, as a folder of settings of a user does."""


def ruff(manager: object) -> dict[str, dict[str, Any]]:
    """Return how Ruff is started, where it is installed.

    A ``ruff.toml`` of the user, in the home or beside a file, counts instead of ours.

    Parameters
    ----------
    manager
        Of jupyter-lsp.
    """
    if find_spec("ruff") is None:
        return {}
    own = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    has = any((own / "ruff" / name).exists() for name in ("ruff.toml", "pyproject.toml"))
    return {
        "ruff": {
            "version": 2,
            "argv": [sys.executable, "-m", "ruff", "server"],
            "env": {} if has else {"XDG_CONFIG_HOME": str(SETTINGS)},
            "languages": ["python"],
            "mime_types": ["text/python", "text/x-python", "text/x-ipython"],
            "display_name": "Ruff",
            "requires_documents_on_disk": False,  # no shadows of notebooks in the home
            "urls": {"home": "https://docs.astral.sh/ruff"},
        }
    }

"""Extension of user servers: kernels and terminals speak the language that somebody chose in the Lab.

*Settings > Language* writes a file in the home, and the page is loaded anew. Kernels and terminals that start from
then on find that language in their environment; without a choice, or with one that the package does not speak,
they have the site's. A kernel that runs keeps the one that it
began with, also when it is restarted.

Enabled by the Jupyter configuration folder ``server/lab``.
"""

from __future__ import annotations

import os
import re
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from geodes_datalab._language import KNOWN, VARIABLE

FILE = Path("@jupyterlab") / "translation-extension" / "plugin.jupyterlab-settings"
"""In the folder of a user's settings of the Lab."""

PAUSE = 3000
"""Milliseconds between two looks at the file."""

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_LOCALE = re.compile(r'(?:^|[{,])\s*"locale"\s*:\s*"([^"]*)"')


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "geodes_datalab.server.language"}]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    from tornado.ioloop import PeriodicCallback

    follower = Follower(settings_folder(serverapp.config_dir) / FILE, os.environ)
    follower.look()
    PeriodicCallback(follower.look, PAUSE).start()


def settings_folder(config: str) -> Path:
    """Return the folder of a user's settings of the Lab, as JupyterLab finds it.

    Parameters
    ----------
    config
        Folder of Jupyter's configuration.
    """
    told = os.environ.get("JUPYTERLAB_SETTINGS_DIR")
    return Path(told) if told else Path(config) / "lab" / "user-settings"


class Follower:
    """Keeps the language of an environment at what the Lab's settings say.

    Parameters
    ----------
    file
        The Lab's setting of its language, which may not be there.
    environment
        Of the server: what it starts inherits it.
    """

    def __init__(self, file: Path, environment: MutableMapping[str, str]) -> None:
        self._file = file
        self._environment = environment
        self._site = environment.get(VARIABLE)
        self._seen: tuple[int, int] | None = None

    def look(self) -> None:
        """Read the file where it has changed."""
        try:
            state = self._file.stat()
        except OSError:
            seen = None
        else:
            seen = (state.st_mtime_ns, state.st_size)
        if seen == self._seen:
            return
        self._seen = seen
        language = (chosen(self._file) if seen else None) or self._site
        if language is None:
            self._environment.pop(VARIABLE, None)
        else:
            self._environment[VARIABLE] = language


def chosen(file: Path) -> str | None:
    """Return the language that a file of the Lab's settings names, None where it is none of ours.

    Parameters
    ----------
    file
        JSON with comments, as the Lab and people write it.
    """
    try:
        text = _COMMENT.sub("", file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    locale = _LOCALE.search(text)  # of a file that is half written or broken, there is none
    language = re.split("[_-]", locale[1])[0] if locale else None
    return language if language in KNOWN else None

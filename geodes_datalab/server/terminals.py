"""Extension of user servers: terminals and kernels find the datalab's programs and pages.

A server that a hub starts opens its terminals as login shells, and ``/etc/profile`` of most systems sets
PATH anew: ``python`` and ``jupyter`` would be another environment's, or not found. Bash therefore reads
``lab/terminal.bash``, which does what a login shell does and then puts the server's own programs first.
Where no shell is named it is bash, for ``sh`` has neither completion nor history. Other shells are people's
own choice and stay as they are.

Kernels are told where the server gives pages of other ports: localtileserver's own path needs an extension
that costs each user 200 MB.

Enabled by the Jupyter configuration folder ``server/lab``. Needs nothing but Jupyter Server.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PROGRAMS = "GEODES_DATALAB_PROGRAMS"
"""Environment variable of terminals: the folder of the programs of the server's environment."""

TILES = "LOCALTILESERVER_CLIENT_PREFIX"
"""Environment variable of localtileserver: the path by which browsers reach a port of this machine."""

_STARTUP = Path(__file__).parent / "lab" / "terminal.bash"


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "geodes_datalab.server.terminals"}]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    from tornado.ioloop import IOLoop

    os.environ.setdefault(TILES, f"{serverapp.base_url}proxy/{{port}}")
    IOLoop.current().add_callback(equip, serverapp)  # when the terminals' extension is there too


def equip(serverapp: Any) -> None:
    """Let terminals that are opened from now on find the programs of the server's environment.

    Parameters
    ----------
    serverapp
        Jupyter Server. A ``shell_command`` of its configuration stays as it is.
    """
    manager = serverapp.web_app.settings.get("terminal_manager")
    if manager is None:
        return
    programs = str(Path(sys.executable).parent)
    manager.extra_env = {**(manager.extra_env or {}), PROGRAMS: programs}
    if not serverapp.terminado_settings.get("shell_command"):
        manager.shell_command = shell(manager.shell_command)


def shell(command: Sequence[str]) -> list[str]:
    """Return the command of a terminal's shell.

    Parameters
    ----------
    command
        What Jupyter Server would start: ``SHELL``, or ``sh`` where it is not set.
    """
    program = command[0]
    if Path(program).name == "sh" and "SHELL" not in os.environ:
        program = shutil.which("bash") or program
    if Path(program).name != "bash":
        return list(command)
    return [program, "--rcfile", str(_STARTUP)]

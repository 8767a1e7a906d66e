"""Start a user's server: shipped notebooks into the home first, a rescue where the home takes nothing.

The images' user servers begin with ``datalab-start jupyterhub-singleuser ...``. It copies the shipped
notebooks (`geodes_datalab.server.notebooks_sync`) and then becomes the command. A home that is full,
read-only or not the user's would end the server before anybody could look into it: then the server
starts with a temporary home, from which the true one can be reached and tidied up. Where the pod's
cores are limited, libraries are told to start no more threads than these. Standard library only.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from geodes_datalab import _limits
from geodes_datalab.server.notebooks_sync import shipped, sync
from geodes_datalab.server.start.account import enter
from geodes_datalab.server.start.extensions import link_extensions
from geodes_datalab.server.start.home import Problem, examine
from geodes_datalab.server.start.rescue import rescue
from geodes_datalab.server.start.runtime import make_profile, runtime_folder

__all__ = ["main", "prepare", "threads"]

FOLDER_VARIABLE = "GEODES_DATALAB_NOTEBOOKS_FOLDER"
"""Environment variable: folder of the home that gets the notebooks; empty for none."""


LANGUAGE_VARIABLE = "GEODES_DATALAB_LANGUAGE"
"""Environment variable: language of the Lab, ``en`` or ``fr``; the hub sets it."""
NANNY_PRELOAD = "DASK_DISTRIBUTED__NANNY__PRELOAD"
"""Environment variable: modules that processes beside Dask's workers load, as JSON or a name."""

THREADS = "geodes_datalab.compute.threads"
"""The one of them that is ours."""

_SERVER = Path(__file__).parents[1]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Prepare the home and become the command.

    Parameters
    ----------
    arguments
        The command; that of this process, when not given.

    Raises
    ------
    SystemExit
        The command is not there.
    """
    command = _command(arguments)
    program = shutil.which(command[0])
    if program is None:
        say(f"{command[0]} was not found on PATH ({os.environ.get('PATH', '')})")
        sys.exit(127)
    program = str(Path(program).absolute())  # the working folder is about to change
    environment = prepare(os.environ)
    _name(Path(environment["HOME"]))
    os.chdir(environment["HOME"])
    sys.stderr.flush()
    os.execve(program, command, environment)  # noqa: S606 - no shell is what is wanted


def prepare(environment: Mapping[str, str]) -> dict[str, str]:
    """Make the home fit for a server and return the environment that the server gets.

    Parameters
    ----------
    environment
        That of this process; HOME names the home.

    Returns
    -------
    dict
        The same, or that of rescue mode.
    """
    home = Path(environment.get("HOME") or Path.home())
    added = _lab(environment) | _told_threads(environment) | runtime_folder("server")
    problem = examine(home)
    if problem is None:
        problem = _fill(home, environment.get(FOLDER_VARIABLE, "notebooks"))
    if problem is None:
        return {**environment, "HOME": str(home), **added}
    say(f"RESCUE MODE: {problem.text}; the server gets a temporary home")
    return rescue(home, problem, environment) | added


def say(text: str) -> None:
    """Write a line into the server's log."""
    print(f"datalab-start: {text}", file=sys.stderr)  # noqa: T201 - the log of the pod


def _command(arguments: Sequence[str] | None) -> list[str]:
    parser = argparse.ArgumentParser(
        prog="datalab-start", description="Prepare the home of this user, then run a command."
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, help="such as jupyterhub-singleuser")
    command: list[str] = parser.parse_args(arguments).command
    if command[:1] == ["--"]:
        command = command[1:]
    if not command:
        parser.error("give the command to run, such as jupyterhub-singleuser")
    return command


def _lab(environment: Mapping[str, str]) -> dict[str, str]:
    """Put the Lab's settings before others; they lie beside this module, wherever that is."""
    french = [_SERVER / "lab_fr"] if environment.get(LANGUAGE_VARIABLE) == "fr" else []
    return {
        "JUPYTER_CONFIG_PATH": _before(
            environment, "JUPYTER_CONFIG_PATH", *french, _SERVER / "lab"
        ),
        "JUPYTER_PATH": _before(environment, "JUPYTER_PATH", _SERVER / "lab" / "data"),
    }


def threads(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what tells libraries how many cores they may use; nothing where they may use all.

    Parameters
    ----------
    environment
        Of the server: what is set in it stays.
    """
    return _threads(environment, _limits.cores(environment=environment))


def _threads(environment: Mapping[str, str], cores: int | None) -> dict[str, str]:
    result = _limits.variables(environment, cores)
    if not result:
        return {}
    return result | {NANNY_PRELOAD: _preloads(environment.get(NANNY_PRELOAD, ""))}


def _told_threads(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the same, and write it into the log."""
    cores = _limits.cores(environment=environment)
    result = _threads(environment, cores)
    if result:
        say(f"libraries start {cores} thread{'s' * (cores != 1)}: as many as the pod may use cores")
    return result


def _preloads(given: str) -> str:
    """Add the module that gives Dask's workers their own numbers back to the modules of nannies."""
    try:
        modules = json.loads(given) if given else []
    except ValueError:  # a name as it is
        modules = given
    named = [modules] if isinstance(modules, str) else list(modules)
    return json.dumps([*named, *({THREADS} - set(named))])


def _before(environment: Mapping[str, str], name: str, *paths: Path) -> str:
    """Return the paths of a variable, with ours before others."""
    result = [str(path) for path in paths]
    others = [path for path in environment.get(name, "").split(os.pathsep) if path]
    return os.pathsep.join([*result, *(other for other in others if other not in result)])


def _fill(home: Path, folder: str) -> Problem | None:
    """Bring notebooks and caches; a home that takes nothing any more is a problem, a slip is not."""
    try:
        make_profile(home)
        _fonts(home)
        link_extensions(home)
        source = shipped()
        if folder and source is not None:
            say(f"notebooks in {home / folder}: {sync(source, home / folder)}")
    except OSError as error:
        say(f"the notebooks could not be brought up to date: {error}")
        return examine(home)
    return None


def _name(home: Path) -> None:
    """Name the account; a server works without, apart from ssh and the like."""
    try:
        enter(home)
    except OSError as error:
        say(f"the user number {os.getuid()} has no name and gets none: {error}")


def _fonts(home: Path) -> None:
    """Give matplotlib the list of fonts made with the image, or its first import takes seconds."""
    source = Path(sys.prefix) / "share" / "geodes-datalab" / "matplotlib"
    target = home / ".cache" / "matplotlib"
    for path in source.glob("fontlist-*.json"):
        if not (target / path.name).exists():
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)

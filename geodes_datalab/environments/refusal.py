"""What pip says in an image, whose packages can only be read, instead of failing after a long download.

The image's build adds two lines to pip's own commands (images/notebook/fence) that call `fence`. Where the
packages can be written, as in an environment of the user's or in an image that is built on top of ours, pip
does its work.
"""

from __future__ import annotations

import os
import shlex
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from geodes_datalab.environments.record import root, shown


def fence(command: Any, requirement: Any = None) -> None:
    """Let a command of pip refuse what cannot succeed here.

    Parameters
    ----------
    command
        pip's class of the command, ``InstallCommand`` or ``UninstallCommand``.
    requirement
        pip's class of a requirement: what is installed in a version that fits is not refused. A command
        that removes needs none.
    """
    run = command.run

    def refusing(self: Any, options: Any, arguments: list[str]) -> Any:
        text = refused(options, arguments, requirement)
        if not text:
            return run(self, options, arguments)
        sys.stderr.write(f"ERROR: {text}\n")
        return 1

    command.run = refusing


def refused(options: Any, arguments: list[str], requirement: Any) -> str:
    """Return the one line that says what to do; empty where pip can do what is asked of it.

    Parameters
    ----------
    options, arguments
        Of pip's command.
    requirement
        See `fence`.
    """
    packages = sysconfig.get_path("purelib")
    elsewhere = ("target_dir", "prefix_path", "root_path", "dry_run")
    if os.access(packages, os.W_OK) or any(getattr(options, name, None) for name in elsewhere):
        return ""
    if requirement is None:
        return "the datalab's packages can only be read; an environment of your own can have others: geodes-datalab env --help"
    if not _wishes(options, arguments) or _all_there(options, arguments, requirement):
        return ""
    return f"the datalab's packages can only be read; add yours in an environment of your own: {_cure(options, arguments)}"


def _cure(options: Any, arguments: Iterable[str]) -> str:
    own = sorted(path.name for path in root().glob("[!.]*") if path.is_dir())
    verb = ["add", own[0]] if len(own) == 1 else ["create", "NAME"]
    files = [word for file in options.requirements for word in ("-r", file)]
    folders = [word for folder in options.editables for word in ("-e", folder)]
    words = ["geodes-datalab", "env", *verb, *files, *folders, *arguments]
    return shlex.join(shown(word) for word in words)


def _wishes(options: Any, arguments: list[str]) -> bool:
    return bool(arguments or options.requirements or options.editables)


def _all_there(options: Any, arguments: list[str], requirement: Any) -> bool:
    """Tell whether all that is asked for is installed: notebooks often begin by making sure."""
    changing = ("upgrade", "force_reinstall", "ignore_installed", "editables")
    if any(getattr(options, name, None) for name in changing):
        return False
    try:
        lines = [*arguments, *(line for file in options.requirements for line in _lines(file))]
        return all(_there(requirement(line), ("",)) for line in lines)
    except (OSError, ValueError, metadata.PackageNotFoundError):
        return False


def _lines(file: str) -> Iterator[str]:
    for line in Path(file).read_text("utf-8").splitlines():
        text = line.partition(" #")[0].strip()
        if text and not text.startswith("#"):
            yield text


def _there(wanted: Any, extras: Iterable[str]) -> bool:
    """Tell whether a requirement is met, with what its extras ask for in turn."""
    if wanted.marker is not None and not any(wanted.marker.evaluate({"extra": e}) for e in extras):
        return True
    if wanted.url or not wanted.specifier.contains(metadata.version(wanted.name), prereleases=True):
        return False
    further = metadata.requires(wanted.name) or [] if wanted.extras else []
    parsed = (type(wanted)(each) for each in further if "extra" in each)
    return all(_there(each, wanted.extras) for each in parsed)

"""Run an environment's pip, and show of what it says what concerns the user."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from geodes_datalab._display import size
from geodes_datalab.environments.keeping import undisturbed
from geodes_datalab.environments.record import shown
from geodes_datalab.errors import OwnEnvironmentError

EDITABLE = "-e "
"""Before a folder: it is not copied, and what is changed in it is so in the environment."""

_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_OF_NO_INTEREST = ("Requirement already satisfied", "Installing collected packages", "Looking in ")
_ELSEWHERE = (
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_PYTHON",
    "PIP_USER",
    "PIP_DRY_RUN",
    "PIP_QUIET",
)
"""Variables that would have pip install nothing, or elsewhere."""


def install(folder: Path, packages: Iterable[str], say: Callable[[str], None]) -> None:
    """Install packages into an environment.

    Parameters
    ----------
    folder
        Of the environment.
    packages
        As pip takes them.
    say
        Gets a line at a time.

    Raises
    ------
    OwnEnvironmentError
        pip did not succeed; it has said why.
    """
    wanted = list(packages)
    if not wanted:
        return
    command = _command(folder, "install", *_options(), *_words(wanted))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment()) as pip:
        try:
            _show(pip, say)
        except BaseException:
            with undisturbed():
                _end(pip)
            raise
    if pip.returncode:
        raise OwnEnvironmentError(
            f"pip could not install {shown(' '.join(wanted))}",
            hint="see what pip says above; how names and versions are written: geodes-datalab env --help",
        )


def _command(folder: Path, *words: str) -> list[str]:
    return [str(folder / "bin" / "python"), "-P", "-m", "pip", *words]


def _options() -> list[str]:
    bar = "raw" if sys.stderr.isatty() else "off"
    return ["--no-input", "--disable-pip-version-check", f"--progress-bar={bar}"]


def _words(packages: list[str]) -> list[str]:
    folders = [each.removeprefix(EDITABLE) for each in packages if each.startswith(EDITABLE)]
    others = [each for each in packages if not each.startswith(EDITABLE)]
    return [*(f"--editable={folder}" for folder in folders), "--", *others]


def _end(pip: subprocess.Popen[str]) -> None:
    """Wait for a pip that Ctrl-C reached too, so that it tidies up; end one that goes on all the same."""
    for call, patience in ((None, 2), (signal.SIGINT, 3), (signal.SIGKILL, None)):
        if call is not None:
            pip.send_signal(call)
        with suppress(subprocess.TimeoutExpired):
            pip.wait(patience)
            return


def conflicts(folder: Path, own: Iterable[str]) -> list[str]:
    """Return what an environment's own packages lack or do not go with, in pip's words."""
    done = subprocess.run(
        _command(folder, "check"), capture_output=True, text=True, env=_environment(), check=False
    )
    names = "|".join(re.escape(name).replace(r"\-", "[-_.]") for name in own)
    concerning = re.compile(rf"(?<![\w.-])(?:{names})(?![\w-])", re.IGNORECASE)
    return [line for line in done.stdout.splitlines()[:50] if names and concerning.search(line)]


def _show(pip: subprocess.Popen[str], say: Callable[[str], None]) -> None:
    status = ""
    for line in pip.stdout or ():
        text = line.rstrip()
        if result := _PROGRESS.fullmatch(text):
            done, total = map(int, result.groups())
            status = f"  {size(done)} of {size(total)}"
            sys.stderr.write(f"\r\x1b[K{status}")
            sys.stderr.flush()
            continue
        if status:
            sys.stderr.write("\r\x1b[K")
            status = ""
        if text and not text.lstrip().startswith(_OF_NO_INTEREST):
            say(text)


def _environment() -> dict[str, str]:
    """Return the user's variables, less those that would lead pip elsewhere."""
    kept = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    return {**kept, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PYTHONUNBUFFERED": "1"}

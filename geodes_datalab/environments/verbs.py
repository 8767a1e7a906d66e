"""Make, change and remove environments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from geodes_datalab.environments import kernels, names
from geodes_datalab.environments.building import build
from geodes_datalab.environments.found import Environment, find
from geodes_datalab.environments.installing import EDITABLE, install
from geodes_datalab.environments.keeping import alone, discard, whole
from geodes_datalab.environments.record import Record, here, path_of, place, root
from geodes_datalab.errors import OwnEnvironmentError

Say = Callable[[str], None]


def create(name: str, packages: Iterable[str] = (), *, say: Say) -> Environment:
    """Make an environment with a kernel in the launcher.

    Parameters
    ----------
    name
        Its name, which is the kernel's too.
    packages
        What pip shall install into it; what the datalab has in a version that fits is not installed again.
    say
        Gets lines for the user, one at a time.

    Raises
    ------
    OwnEnvironmentError
        The name cannot be used, or pip fails: then nothing is left of it.
    """
    names.check(name)
    folder = path_of(name)
    with alone(root()):
        if folder.exists():
            raise OwnEnvironmentError(
                f"there is an environment {name!r} already",
                hint=f"geodes-datalab env add {name} PACKAGE, or remove it first: geodes-datalab env remove {name}",
            )
        names.check_free(name)
        with whole(folder):
            _fill(folder, here().asked(located(packages)), say)
    return find(name)


def add(name: str, packages: Iterable[str], *, say: Say) -> Environment:
    """Install packages into an environment and record them; at a failure it stays as it was."""
    wanted = located(packages)
    with alone(root()):
        there = find(name)
        if there.trouble or there.record is None:
            raise OwnEnvironmentError(
                f"the environment {name!r} cannot be used: {there.trouble}",
                hint=there.cure,
            )
        with whole(there.folder):
            install(there.folder, wanted, say)
            kernels.offer(name, there.folder)
            there.record.asked(wanted).write(there.folder)
    return find(name)


def renew(name: str, *, say: Say) -> Environment:
    """Make an environment anew with the same packages, on the Python and packages that are here."""
    with alone(root()):
        there = find(name)
        names.check_free(name)
        if not there.known:
            raise OwnEnvironmentError(
                f"what the environment {name!r} was made of is not recorded", hint=there.cure
            )
        anew = here().asked(there.wanted)  # read before its folder is put aside
        with whole(there.folder, anew=True):
            _fill(there.folder, anew, say)
    return find(name)


def remove(name: str) -> None:
    """Remove an environment and its kernel."""
    with alone(root()):
        discard(find(name).folder)


def located(packages: Iterable[str]) -> Sequence[str]:
    """Return packages as they can be recorded: files and folders by their whole paths.

    Raises
    ------
    OwnEnvironmentError
        One is an option: they are pip's, and the environment's own pip takes them.
    """
    return [_located(str(each).strip()) for each in packages]


def _located(text: str) -> str:
    if text.startswith(EDITABLE):
        return EDITABLE + _editable(text.removeprefix(EDITABLE))
    if text.startswith("-") or not text:
        raise OwnEnvironmentError(
            f"{text!r} is no package",
            hint="options of pip are for the environment's own pip: see geodes-datalab env list",
        )
    return _whole(text) if _is_path(place(text)) else text


def _editable(text: str) -> str:
    if "://" in text:
        return text
    if not Path(place(text)).is_dir():
        raise OwnEnvironmentError(
            f"there is no folder {place(text)}",
            hint="-e takes the folder with the package's pyproject.toml, such as . or ./tool[dev]",
        )
    return _whole(text)


def _whole(text: str) -> str:
    path = place(text)
    return str(Path(path).resolve()) + text.removeprefix(path)


def _is_path(text: str) -> bool:
    path = Path(text)
    local = "/" in text or text.endswith((".whl", ".tar.gz", ".zip")) or text in {".", ".."}
    return local and path.exists()


def _fill(folder: Path, record: Record, say: Say) -> None:
    say(f"making {folder}")
    build(folder, record)
    install(folder, record.packages, say)
    kernels.offer(folder.name, folder)
    record.write(folder)

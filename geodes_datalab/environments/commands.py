"""The commands ``geodes-datalab env``. Everything heavier than click is imported by the command that needs it."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click

from geodes_datalab import _commands
from geodes_datalab._commands import option
from geodes_datalab._language import gettext, translated

if TYPE_CHECKING:
    from rich.table import Table

    from geodes_datalab.environments import Environment

Words: TypeAlias = tuple[str, ...]
Paths: TypeAlias = tuple[Path, ...]

PACKAGES = click.argument("packages", nargs=-1)
REQUIREMENTS = option(
    "-r",
    "--requirement",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with one package per line, as for pip.",
)
EDITABLES = option(
    "-e",
    "--editable",
    "folders",
    multiple=True,
    help="A folder with a package that you work on, such as . or .[dev]: its changes count at once.",
)


@click.group("env", cls=_commands.Group)
def env() -> None:
    """Environments of your own: packages on top of the datalab's, with a kernel in the launcher.

    \b
    geodes-datalab env create mine               an environment, and its kernel "mine"
    geodes-datalab env create mine "plotly>=6" xclim   with packages from PyPI
    geodes-datalab env add mine git+https://host/me/tool.git   one more
    geodes-datalab env list                      what there is, and whether it works
    geodes-datalab env renew mine                make it anew with the same packages
    geodes-datalab env remove mine               remove it and its kernel

    They lie in your home and stay when the datalab is updated. What the datalab has already is not
    installed again. Packages are written as for pip: NAME, "NAME==1.2", "NAME>=1,<2", a folder, a
    wheel, or an address. In a notebook with the kernel "mine", %pip install NAME does the same.
    """  # noqa: D301 - click keeps lines as they are after this very character


@env.command()
@click.argument("name")
@PACKAGES
@REQUIREMENTS
@EDITABLES
def create(name: str, packages: Words, files: Paths, folders: Words) -> None:
    """Make the environment NAME, with PACKAGES in it and a kernel in the launcher."""
    from geodes_datalab import environments

    with _interruptible(gettext("nothing was made")):
        made = environments.create(name, _wanted(packages, files, folders), say=_say)
    _ready(made)


@env.command()
@click.argument("name")
@PACKAGES
@REQUIREMENTS
@EDITABLES
def add(name: str, packages: Words, files: Paths, folders: Words) -> None:
    """Install PACKAGES into the environment NAME; if one fails, it stays as it was."""
    from geodes_datalab import environments

    wanted = _wanted(packages, files, folders)
    if not wanted:
        raise click.UsageError(gettext("name at least one package"))
    with _interruptible(gettext("{name} is as it was", name=name)):
        changed = environments.add(name, wanted, say=_say)
    _ready(changed)


@env.command("list")
@option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def list_(as_json: bool) -> None:
    """Show your environments, and what to do about those that do not work."""
    from geodes_datalab import environments
    from geodes_datalab.environments import keeping, record

    keeping.tidy(record.root())
    result = environments.find_all()
    if as_json:
        click.echo(json.dumps([_facts(each) for each in result], indent=1))
        return
    if not result:
        told = gettext("there are no environments; make one with: geodes-datalab env create NAME")
        click.echo(told)
        return
    _print(_table(result))
    for each in result:
        for line in [*_remarks(each), *_conflicts(each)]:
            click.echo(line)


@env.command()
@click.argument("name")
def renew(name: str) -> None:
    """Make the environment NAME anew with the same packages, on the Python that is here now."""
    from geodes_datalab import environments

    with _interruptible(gettext("{name} is as it was", name=name)):
        made = environments.renew(name, say=_say)
    _ready(made)


@env.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove the environment NAME and its kernel."""
    from geodes_datalab import environments

    environments.remove(name)
    click.echo(gettext("{name} and its kernel are removed", name=name))


@contextmanager
def _interruptible(state: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        click.echo("\n" + gettext("stopped: {state}", state=state), err=True)
        sys.exit(130)


def _say(text: str) -> None:
    click.echo(translated(text))


def _wanted(packages: Words, files: Paths, folders: Words) -> list[str]:
    """Return all that is asked for; options in files are refused with what else is no package."""
    from geodes_datalab.environments.installing import EDITABLE

    texts = [line for file in files for line in file.read_text("utf-8").splitlines()]
    lines = [line.partition(" #")[0].strip() for line in texts]
    listed = [line for line in lines if line and not line.startswith("#")]
    return [*packages, *listed, *(f"{EDITABLE}{folder}" for folder in folders)]


def _ready(made: Environment) -> None:
    activate = shlex.quote(str(made.folder / "bin" / "activate"))
    own = ", ".join(f"{name} {version}" for name, version in sorted(made.own.items()))
    own = own or gettext("nothing yet")
    click.echo(gettext("{name} is ready. Of its own it has: {own}", name=made.name, own=own))
    told = gettext("reload the page and choose {name} in the launcher or as kernel", name=made.name)
    places = {gettext("in the Lab"): told, gettext("in a shell"): f". {activate}"}
    width = max(map(len, places))
    for place, what in places.items():
        click.echo(f"  {place:<{width}}   {what}")
    for line in _remarks(made):  # what else does not go together pip has said
        click.echo(line)


def _remarks(each: Environment) -> Iterator[str]:
    if each.trouble:
        trouble = translated(each.trouble)
        yield gettext("{name} cannot be used: {trouble}", name=each.name, trouble=trouble)
        yield "  " + gettext("What to do: {hint}", hint=translated(each.cure or ""))
        return
    for other in each.others:
        told = gettext(
            "{name} {version} stands before the datalab's {ours}",
            name=other.name,
            version=other.own,
            ours=other.ours,
        )
        if other.travelling:
            told += "; " + gettext("Dask clusters have the datalab's and refuse another")
        yield f"{each.name}: {told}"


def _conflicts(each: Environment) -> Iterator[str]:
    """Tell what an update of the datalab may bring: packages that do not go together any more."""
    from geodes_datalab.environments.installing import conflicts

    if each.own and not each.trouble:
        for line in conflicts(each.folder, each.own):
            yield f"{each.name}: {line}"


def _table(found: list[Environment]) -> Table:
    from rich.box import SIMPLE
    from rich.markup import escape
    from rich.table import Table

    from geodes_datalab._display import size
    from geodes_datalab.environments import record

    table = Table(
        box=SIMPLE, caption=gettext("in {folder}", folder=record.root()), caption_justify="left"
    )
    for title in (
        gettext("Name"),
        gettext("State"),
        "Python",
        gettext("Asked for"),
        gettext("Own packages"),
        gettext("Size"),
    ):
        table.add_column(title, overflow="fold")
    for each in found:
        state = (
            f"[red]{gettext('renew it')}[/]" if each.trouble else f"[green]{gettext('ready')}[/]"
        )
        python = each.record.python if each.record else "-"
        asked = escape(", ".join(map(record.shown, each.wanted))) or "-"
        table.add_row(each.name, state, python, asked, str(len(each.own)), size(each.size))
    return table


def _print(table: Table) -> None:
    from rich.console import Console

    Console(highlight=False, soft_wrap=not sys.stdout.isatty()).print(table)


def _facts(each: Environment) -> dict[str, object]:
    from geodes_datalab.environments.record import shown

    return {
        "name": each.name,
        "folder": str(each.folder),
        "state": "broken" if each.trouble else "ready",
        "trouble": each.trouble,
        "python": each.record.python if each.record else None,
        "asked": [shown(item) for item in each.wanted],
        "packages": each.own,
        "size": each.size,
    }

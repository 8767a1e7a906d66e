"""The command ``geodes-datalab``: a thin layer over `geodes_datalab.local`.

Everything heavier than click is imported by the command that needs it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geodes_datalab import _commands
from geodes_datalab._commands import option
from geodes_datalab._language import gettext, shown, translated
from geodes_datalab._tracebacks import told
from geodes_datalab.environments.commands import env
from geodes_datalab.errors import GeodesError
from geodes_datalab.services.commands import opensearch

if TYPE_CHECKING:
    from rich.console import Console

    from geodes_datalab.local.layout import Layout
    from geodes_datalab.local.runtime import Runtime

STATE_DIR = option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="GEODES_DATALAB_STATE",
    help="Folder of homes, logs and passwords (default: ~/.local/state/geodes-datalab).",
)
AS_JSON = option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


class Group(_commands.Group):
    """Shows our own errors as what they are: a message and what to do."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; end with code 1 at one of our errors."""
        try:
            return super().invoke(ctx)
        except GeodesError as error:
            click.secho(gettext("Error: {error}", error=told(error)), fg="red", err=True)
            ctx.exit(1)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A datalab for the Earth-observation data of GEODES, on this machine.

    \b
    geodes-datalab up                       start it, with a sample catalogue
    geodes-datalab up --catalogue geodes    start it on the real GEODES
    geodes-datalab doctor                   find out why something does not work
    geodes-datalab env create NAME          packages of your own, on top of the datalab's
    """  # noqa: D301 - click keeps lines as they are after this very character


@main.command()
@STATE_DIR
@option(
    "--port",
    default="8000",
    show_default=True,
    help='Port for the browser; the nine after it are used inside. "auto": free ones.',
)
@option(
    "--catalogue",
    default="samples",
    show_default=True,
    metavar="samples|geodes|URL",
    help="The sample catalogue, the real GEODES (with your API key), or any STAC API.",
)
@option(
    "--api-key-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the GEODES API key (else GEODES_API_KEY, else what login stored).",
)
@option(
    "--settings",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML or JSON file whose values go over the generated settings.",
)
@option(
    "--language",
    type=click.Choice(["en", "fr"]),
    default="en",
    help="Of the Lab, of errors and tables, and of pages for browsers that ask for neither.",
)
@option(
    "--hpda",
    type=click.Choice(["slurm"]),
    help="Dask clusters as Slurm jobs too: this machine is a login node of an HPC centre.",
)
@option("--background", is_flag=True, help="Return when it is ready, and leave it running.")
@option("--quiet", is_flag=True, hidden=True, help="Print no table (no password in logs).")
def up(**options: Any) -> None:
    """Start the datalab; Ctrl-C stops it."""
    from geodes_datalab.local import up as local

    start = _start(options)
    console = _console()
    say = _say(console, log=options["quiet"])
    running = _running(start.layout)
    if running is not None:
        _compare(running, start, options)
        console.print(gettext("It already runs:"))
    elif options["background"]:
        running = local.in_background(_again(options), start.layout, say)
    if running is not None:
        _print_ready(start.layout, running, console)
        return
    shown = console if not options["quiet"] else None
    local.supervise(
        start,
        say=say,
        on_ready=lambda runtime: _print_ready(start.layout, runtime, shown),
    )


@main.command()
@STATE_DIR
def down(state_dir: Path | None) -> None:
    """Stop the datalab with everything that users run in it."""
    from geodes_datalab.local import up as local

    say = _say(_console())
    say(
        gettext("stopped")
        if local.down(_layout(state_dir), say)
        else gettext("nothing was running")
    )


@main.command()
@STATE_DIR
@AS_JSON
def status(state_dir: Path | None, as_json: bool) -> None:
    """Show what runs; ends with code 3 if nothing does."""
    from geodes_datalab.local import runtime as run
    from geodes_datalab.local import tables

    layout = _layout(state_dir)
    runtime = run.read(layout)
    if as_json:
        click.echo(json.dumps(tables.facts(layout, runtime), indent=1))
    elif runtime is None:
        told = gettext(
            "nothing runs from {folder}; start it with: geodes-datalab up", folder=layout.root
        )
        click.echo(told)
    else:
        _console().print(tables.status(layout, runtime))
    if runtime is None:
        sys.exit(3)


@main.command()
@STATE_DIR
@AS_JSON
@option("--offline", is_flag=True, help="Do not ask whether GEODES can be reached.")
def doctor(state_dir: Path | None, as_json: bool, offline: bool) -> None:
    """Check ports, disk, memory, proxies, versions, GEODES and your key."""
    from geodes_datalab.local import doctor as checks

    result = checks.examine(_layout(state_dir), offline=offline)
    if as_json:
        click.echo(json.dumps([vars(finding) for finding in result], indent=1))
    else:
        _console().print(checks.table(result))
    sys.exit(1 if any(finding.verdict == "fail" for finding in result) else 0)


@main.command()
@STATE_DIR
@click.argument("part", required=False)
@option("-f", "--follow", is_flag=True, help="Go on printing what is added.")
@option("-n", "--lines", default=50, show_default=True, help="How many lines from the end.")
def logs(state_dir: Path | None, part: str | None, follow: bool, lines: int) -> None:
    """Print the log of a PART, or list the parts that have one."""
    from geodes_datalab.local.child import tail

    layout = _layout(state_dir)
    names = sorted(path.stem for path in layout.logs.glob("*.log"))
    if part is None:
        click.echo("\n".join(names) or gettext("there are no logs in {folder}", folder=layout.logs))
        return
    if part not in names:
        raise click.BadParameter(
            gettext(
                "there is no log of {part!r}; there are: {names}",
                part=part,
                names=", ".join(names) or gettext("none"),
            )
        )
    click.echo(tail(layout.log(part), lines))
    if follow:
        _follow(layout.log(part))


@main.command()
@STATE_DIR
@option("--admin", is_flag=True, help="That of the user admin.")
@option("--new", is_flag=True, help="Make a new one (used from the next start on).")
def password(state_dir: Path | None, admin: bool, new: bool) -> None:
    """Print the password."""
    from geodes_datalab.local import secrets

    layout, name = _layout(state_dir), "admin-password" if admin else "password"
    layout.make()
    if new or not secrets.path(layout, name).is_file():
        secrets.write(layout, name, secrets.MAKERS[name]())
    click.echo(secrets.read(layout, name))
    kind = _log_in_kind(layout)
    if kind != "shared-password":
        told = gettext("(people log in by {kind}: nobody is asked for this password)", kind=kind)
        click.echo(told, err=True)


@main.command("sync-notebooks")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@option("--restore", is_flag=True, help="Bring back notebooks that you deleted.")
@option(
    "--fresh",
    metavar="NAME",
    help="Give back one notebook as it was shipped, and keep yours under another name.",
)
def sync_notebooks(folder: Path, restore: bool, fresh: str | None) -> None:
    """Bring the shipped notebooks in FOLDER up to date; what you changed is kept."""
    from geodes_datalab.errors import ConfigurationError
    from geodes_datalab.server import notebooks_sync as notebooks

    source = notebooks.shipped()
    if source is None:
        raise ConfigurationError(
            "no notebooks came with this installation", hint="install the geodes-datalab wheel"
        )
    if fresh is None:
        click.echo(str(notebooks.sync(source, folder, restore=restore)))
        return
    try:
        click.echo(notebooks.fresh(source, folder, fresh))
    except LookupError as error:
        raise click.BadParameter(str(error), param_hint="--fresh") from error


@main.command()
@click.argument(
    "folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
def grids(folder: Path | None) -> None:
    """Link the grids in FOLDER into pyproj, rasterio and pyogrio; without it, tell what is there.

    PROJ needs grids to turn heights (EGM96, EGM2008) and old datums (NTF).
    """
    from geodes_datalab import _grids

    if folder is not None:
        click.echo(gettext("linked: {names}", names=", ".join(_grids.link(folder))))
    for library, lacking in _grids.missing().items():
        told = gettext("lacks {names}", names=", ".join(lacking)) if lacking else gettext("has all")
        click.echo(f"{library}: {told}")


@main.command()
def version() -> None:
    """Print the version."""
    from geodes_datalab import __version__

    click.echo(__version__)


main.add_command(env)
main.add_command(opensearch)


def _start(options: dict[str, Any]) -> Any:
    from geodes_datalab import auth
    from geodes_datalab.local import plan
    from geodes_datalab.local import up as local

    key = None
    if options["catalogue"] == "geodes":
        file = options["api_key_file"]
        key = auth.api_key(file.read_text("utf-8").strip() if file else None)
    wishes = plan.Wishes(
        catalogue=options["catalogue"],
        api_key=key,
        settings=options["settings"],
        language=options["language"],
        hpda=options["hpda"] or "",
    )
    names = ("port", "catalogue", "api_key_file", "settings", "language", "hpda")
    given = {name: options[name] for name in names if options[name] is not None}
    asked = {
        name: str(value.resolve() if isinstance(value, Path) else value)
        for name, value in given.items()
    }
    return local.Start(_layout(options["state_dir"]), options["port"], wishes, asked)


def _again(options: dict[str, Any]) -> list[str]:
    """Return the arguments that start the same in the foreground, without a table."""
    names = ("state_dir", "port", "catalogue", "api_key_file", "settings", "language", "hpda")
    given = [(f"--{name.replace('_', '-')}", options[name]) for name in names]
    return ["--quiet", *(f"{flag}={value}" for flag, value in given if value is not None)]


def _running(layout: Layout) -> Runtime | None:
    from geodes_datalab.local import runtime as run
    from geodes_datalab.local import up as local

    return local.wait_until_ready(layout) if run.read(layout) is not None else None


def _compare(running: Runtime, start: Any, options: dict[str, Any]) -> None:
    """Refuse what was asked of a datalab that runs otherwise: its port, catalogue and the like stay."""
    from urllib.parse import urlsplit

    from click.core import ParameterSource

    from geodes_datalab.errors import LocalModeError

    source = click.get_current_context().get_parameter_source
    there = {**running.asked, "port": str(urlsplit(running.url).port)}
    other = [
        f"--{name.replace('_', '-')}={options[name]}"
        for name, value in start.asked.items()
        if source(name) is not ParameterSource.DEFAULT
        and value != there.get(name)
        and (name, value) != ("port", "auto")
    ]
    if other:
        raise LocalModeError(
            f"a datalab already runs at {running.url} ({running.catalogue}), started otherwise than "
            f"by {' '.join(other)}",
            hint="stop it first: geodes-datalab down; or start a second one from a folder of its own: "
            "--state-dir FOLDER --port 9000",
        )


def _print_ready(layout: Layout, runtime: Runtime, console: Console | None) -> None:
    from geodes_datalab.local import tables

    if console is not None:
        console.print(tables.ready(layout, runtime))


def _layout(state_dir: Path | None) -> Layout:
    from geodes_datalab.local.layout import layout

    return layout(state_dir)


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def _say(console: Console, *, log: bool = False) -> Any:
    """Return what prints a line: in the reader's language, in logs as it is."""

    def say(text: str) -> None:
        told = text if log else shown(translated(text))
        console.print(f"{time.strftime('%H:%M:%S')}  {told}", markup=False)

    return say


def _log_in_kind(layout: Layout) -> str:
    from geodes_datalab.settings import load

    if not layout.settings.is_file():
        return "shared-password"
    return load(layout.settings).auth.type


def _follow(path: Path) -> None:
    with path.open("rb") as stream:
        stream.seek(0, os.SEEK_END)
        try:
            while True:
                sys.stdout.buffer.write(stream.read())
                sys.stdout.flush()
                time.sleep(0.3)
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()

"""Write what the administrator of an HPC centre installs: launcher, its file, and the sudo rule.

``python -m geodes_datalab.hub.gateway.slurm.site --settings gateway.toml --into FOLDER`` writes three
files for a look; root copies them to the places that it prints.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.hub.gateway.slurm import launcher
from geodes_datalab.hub.gateway.slurm.settings import described, launcher_file
from geodes_datalab.settings import Settings, load, read


def main(arguments: list[str] | None = None) -> None:
    """Write the files, and print what root does with them."""
    parser = argparse.ArgumentParser(prog="site", description=__doc__)
    parser.add_argument("--settings", type=Path, required=True, help="the gateway's settings file")
    parser.add_argument("--into", type=Path, required=True, help="an empty folder")
    parser.add_argument("--gateway-account", default="dask", help="runs the gateway")
    parser.add_argument("--group", default="datalab", help="for whose members it starts jobs")
    parser.add_argument("--python", default="/usr/bin/python3", help="root's; 3.9 or newer")
    wish = parser.parse_args(arguments)
    try:
        settings = load(read(wish.settings))
    except ConfigurationError as error:
        sys.exit(str(error))
    slurm = described(settings)
    wish.into.mkdir(parents=True, exist_ok=True)
    program = wish.into / "geodes-datalab-launcher"
    write_launcher(program, config=slurm.launcher_config, python=wish.python)
    write_config(wish.into / "launcher.json", settings)
    rule = sudo_rule(slurm.launcher_path, account=wish.gateway_account, group=wish.group)
    (wish.into / "sudoers").write_text(rule, "utf-8")
    sys.stdout.write(
        f"install -D -o root -g root -m 0755 {program} {slurm.launcher_path}\n"
        f"install -D -o root -g root -m 0644 {wish.into}/launcher.json {slurm.launcher_config}\n"
        f"visudo -cf {wish.into}/sudoers && "
        f"install -o root -g root -m 0440 {wish.into}/sudoers /etc/sudoers.d/geodes-datalab\n"
    )


def write_launcher(target: Path, *, config: Path, python: str) -> None:
    """Write the launcher, for one place of its file and one Python.

    Parameters
    ----------
    target
        Where to.
    config
        The file that it will obey.
    python
        That starts it; isolated (``-I``) from every variable and every package.
    """
    text = Path(launcher.__file__).read_text("utf-8")
    text = f"#!{python} -I\n{text}"
    text = text.replace(f'CONFIG = "{launcher.CONFIG}"', f"CONFIG = {json.dumps(str(config))}", 1)
    target.write_text(text, "utf-8")
    target.chmod(0o755)


def write_config(target: Path, settings: Settings) -> None:
    """Write the launcher's file.

    Parameters
    ----------
    target
        Where to.
    settings
        The gateway's.
    """
    target.write_text(json.dumps(launcher_file(settings), indent=1) + "\n", "utf-8")
    target.chmod(0o644)


def sudo_rule(launcher_path: Path, *, account: str, group: str) -> str:
    """Return the one rule: this program, without arguments, as members of one group, never as root.

    Parameters
    ----------
    launcher_path
        Where the launcher is installed.
    account
        That the gateway runs under.
    group
        Unix group of the users.
    """
    return (
        "# geodes-datalab: the gateway may start its launcher, without arguments, and nothing else\n"
        f"Defaults!{launcher_path} env_reset, !setenv, !use_pty\n"
        f'{account} ALL=(%{group},!root) NOPASSWD: {launcher_path} ""\n'
    )


if __name__ == "__main__":
    main()

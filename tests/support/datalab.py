"""A whole datalab for tests, in a folder of its own.

The real command starts the real parts; nothing is imitated.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from support.visitor import Failure, Kernel, Visitor
from support.waiting import minutes

from geodes_datalab.local import family, tables
from geodes_datalab.local import layout as layouts
from geodes_datalab.local import runtime as runs
from geodes_datalab.local.child import tail

__all__ = ["Datalab", "Failure", "Kernel", "Visitor", "port_of"]


@dataclass
class Datalab:
    """A running local mode.

    Examples
    --------
    >>> with Datalab.start(Path("/tmp/state")) as datalab:  # doctest: +SKIP
    ...     alice = datalab.visitor("alice")
    ...     alice.spawn()
    ...     alice.kernel().run("6 * 7")
    '42'
    """

    state_dir: Path
    facts: dict[str, Any]
    environment: Mapping[str, str] | None = None
    visitors: list[Visitor] = field(default_factory=list)

    @classmethod
    def start(
        cls,
        state_dir: Path,
        *,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Datalab:
        """Start ``geodes-datalab up --background`` on free ports and wait until it is ready.

        Parameters
        ----------
        state_dir
            Folder for homes, logs and passwords.
        arguments
            Further arguments of ``up``.
        environment
            Whole environment of the command; by default this process's.
        """
        datalab = cls(state_dir, {}, environment)
        try:
            datalab.command("up", "--background", "--port=auto", *arguments)
            datalab.refresh()
        except BaseException:  # Ctrl-C too: what was started is nobody's else
            datalab.clear()
            raise
        return datalab

    def command(self, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of ``geodes-datalab`` on this datalab; it must succeed."""
        done = subprocess.run(
            self.command_line(verb, *arguments),
            capture_output=True,
            text=True,
            timeout=minutes(12),  # the first start installs and packs: the product's limit is 10
            check=False,
            env=self.environment,
        )
        if done.returncode:
            raise Failure(f"geodes-datalab {verb} failed:\n{done.stdout}\n{done.stderr}")
        return done

    def command_line(self, verb: str, *arguments: str) -> list[str]:
        """Return a command line on this datalab."""
        state = f"--state-dir={self.state_dir}"
        return [sys.executable, "-m", "geodes_datalab.cli", verb, state, *arguments]

    def asked(self) -> dict[str, Any]:
        """Return what ``geodes-datalab status --json`` says; `refresh` says the same, and at once."""
        done = subprocess.run(
            self.command_line("status", "--json"),
            capture_output=True,
            text=True,
            timeout=minutes(3),
            check=False,
            env=self.environment,
        )
        return dict(json.loads(done.stdout))

    def refresh(self) -> dict[str, Any]:
        """Return what runs, read anew, without starting a Python for it."""
        layout = layouts.layout(self.state_dir)
        self.facts = tables.facts(layout, runs.read(layout))
        return self.facts

    @property
    def url(self) -> str:
        """Address for browsers, with a slash at its end."""
        return str(self.facts["url"])

    @property
    def password(self) -> str:
        """Password of all users but admin."""
        return Path(self.facts["password_file"]).read_text("utf-8").strip()

    def part(self, name: str) -> dict[str, Any]:
        """Return facts about a part (hub, proxy, gateway, gateway-proxy, culler, catalogue)."""
        parts = {part["name"]: part for part in self.refresh()["parts"]}
        return dict(parts[name])

    def tails(self, *, lines: int = 8) -> str:
        """Return the ends of all logs: the scene of a wait that failed."""
        logs = sorted((self.state_dir / "logs").glob("*.log"))
        return "\n".join(f"== {log.name}\n{tail(log, lines)}" for log in logs)

    def visitor(self, name: str) -> Visitor:
        """Log in as a user."""
        visitor = Visitor(self.url, name)
        self.visitors.append(visitor)
        visitor.log_in(self.password)
        return visitor

    def down(self) -> None:
        """Stop it."""
        for visitor in self.visitors:
            visitor.session.close()
        self.command("down")

    def clear(self) -> None:
        """End what a start that failed has left, whatever the command says of it."""
        with suppress(Failure, OSError, subprocess.SubprocessError):
            self.down()
        family.end(layouts.layout(self.state_dir).instance)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.down()


def port_of(url: str) -> int:
    """Return the port of an address."""
    port = urlsplit(url).port
    if port is None:
        raise Failure(f"{url} names no port")
    return port

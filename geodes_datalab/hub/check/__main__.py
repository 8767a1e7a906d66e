"""Command line of the check: one line per step; exit code 0 when all went well."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import requests

from geodes_datalab.errors import ConfigurationError, GeodesError
from geodes_datalab.hub.check import steps
from geodes_datalab.hub.check.visit import Visit, connect_instead


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a datalab.

    Parameters
    ----------
    arguments
        Of the command line; see ``--help``.

    Returns
    -------
    int
        0: all steps went well; 1: one did not.
    """
    asked = _parser().parse_args(arguments)
    if asked.connect:
        parts = urlsplit(asked.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        connect_instead(parts.hostname or "", port, asked.connect)
    visit = Visit(asked.url.rstrip("/") + "/", asked.user, asked.timeout)
    try:
        _step("hub is healthy", lambda: steps.healthy(visit))
        _step("log in", lambda: _log_in(visit, asked))
        _visited(visit, asked)
    except (GeodesError, requests.RequestException) as error:
        print(f"FAILED: {error}", file=sys.stderr)  # noqa: T201 - what the command is for
        return 1
    return 0


def _visited(visit: Visit, asked: argparse.Namespace) -> None:
    wanted = steps.steps(visit, cluster=asked.cluster, catalogue=asked.catalogue)
    try:
        for name, step in wanted:
            _step(name, step)
    except BaseException:
        steps.tidy(visit)
        raise
    _step("leave", lambda: steps.stop(visit))


def _step(name: str, step: Callable[[], str]) -> None:
    print(f"{name} ...", flush=True)  # noqa: T201
    began = time.monotonic()
    seen = step()
    print(f"{name}: ok, {time.monotonic() - began:.1f} s ({seen})", flush=True)  # noqa: T201


def _log_in(visit: Visit, asked: argparse.Namespace) -> str:
    if asked.password_file:
        visit.log_in(_read(asked.password_file))
        return f"{visit.user} by password"
    visit.use_token(_read(asked.token_file))
    return f"{visit.user} by the token of the service check"


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except OSError as error:
        raise ConfigurationError(
            f"the secret {path} cannot be read: {error.strerror}",
            hint="the Secret of the datalab must hold it",
        ) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m geodes_datalab.hub.check", description="Check a datalab as its user."
    )
    parser.add_argument("--url", required=True, help="address of the datalab")
    parser.add_argument("--connect", help="host:port to connect to instead, inside the cluster")
    parser.add_argument("--user", default="datalab-check", help="who logs in")
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--password-file", type=Path, help="log in with the password in this file")
    way.add_argument("--token-file", type=Path, help="act with the token in this file")
    parser.add_argument("--timeout", type=float, default=300, help="seconds that a step may take")
    parser.add_argument("--no-cluster", dest="cluster", action="store_false")
    parser.add_argument("--no-catalogue", dest="catalogue", action="store_false")
    return parser


if __name__ == "__main__":
    sys.exit(main())

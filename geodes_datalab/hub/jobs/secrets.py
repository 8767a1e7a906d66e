"""Make the chart's Secret once, from inside the cluster: the job of ``secrets.generate: job``.

::

    python -m geodes_datalab.hub.jobs.secrets NAME KEY=KIND... [--label NAME=VALUE]...

A Secret that exists keeps every value that it has; keys that are missing are added. KIND is ``hex`` (64
hexadecimal digits), ``password`` (20 characters) or ``admin-password`` (40 characters). No value is
ever printed.
"""

from __future__ import annotations

import argparse
import base64
import secrets
import string
import sys
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from geodes_datalab.errors import GeodesError, ServiceError
from geodes_datalab.hub.jobs.in_cluster import Api

_LETTERS = string.ascii_letters + string.digits


def _text(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


KINDS: Mapping[str, Callable[[], str]] = {
    "hex": lambda: secrets.token_hex(32),
    "password": lambda: _text(20),
    "admin-password": lambda: _text(40),
}
"""How a value of each kind is made."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    given = _parser().parse_args(arguments)
    try:
        done = ensure(Api.from_pod(), given.name, dict(given.keys), labels=dict(given.label))
    except GeodesError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{done}\n")
    return 0


def ensure(api: Api, name: str, keys: Mapping[str, str], *, labels: Mapping[str, str]) -> str:
    """Make a Secret, or add to it what is missing.

    Parameters
    ----------
    api
        The API server.
    name
        Of the Secret, in the pod's own namespace.
    keys
        ``key -> kind``.
    labels
        Of a new Secret.

    Returns
    -------
    str
        What was done, without a value.

    Raises
    ------
    ServiceError
        The API server refused.
    """
    path = f"/api/v1/namespaces/{api.namespace}/secrets"
    status, answer = api.call("POST", path, _secret(name, keys, labels))
    if status == HTTPStatus.CREATED:
        return f"Secret {name}: made with {', '.join(sorted(keys))}"
    if status != HTTPStatus.CONFLICT:
        raise _refused("made", name, status, answer)
    status, answer = api.call("GET", f"{path}/{name}")
    if status != HTTPStatus.OK:
        raise _refused("read", name, status, answer)
    missing = {key: kind for key, kind in keys.items() if key not in (answer.get("data") or {})}
    if not missing:
        return f"Secret {name}: complete, nothing changed"
    status, answer = api.call("PATCH", f"{path}/{name}", {"data": _values(missing)})
    if status != HTTPStatus.OK:
        raise _refused("completed", name, status, answer)
    return f"Secret {name}: added {', '.join(sorted(missing))}"


def _secret(name: str, keys: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"name": name, "labels": dict(labels)},
        "data": _values(keys),
    }


def _values(keys: Mapping[str, str]) -> dict[str, str]:
    return {key: base64.b64encode(KINDS[kind]().encode()).decode() for key, kind in keys.items()}


def _refused(what: str, name: str, status: int, answer: Mapping[str, Any]) -> ServiceError:
    reason = answer.get("message") or f"status {status}"
    return ServiceError(
        f"the Secret {name} could not be {what}: {reason}",
        hint="check the job's Role, or make the Secret yourself and name it in existingSecret",
    )


def _pair(text: str) -> tuple[str, str]:
    name, result, value = text.partition("=")
    if not name or not result:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _key(text: str) -> tuple[str, str]:
    name, kind = _pair(text)
    if kind not in KINDS:
        raise argparse.ArgumentTypeError(f"{kind!r} is none of {', '.join(KINDS)}")
    return name, kind


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="secrets_job", description="Make the chart's Secret.")
    parser.add_argument("name", help="of the Secret")
    parser.add_argument("keys", nargs="+", type=_key, metavar="KEY=KIND", help="what it holds")
    parser.add_argument(
        "--label",
        action="append",
        type=_pair,
        default=[],
        metavar="NAME=VALUE",
        help="of the Secret",
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())

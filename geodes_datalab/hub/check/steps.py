"""The steps of a check, in their order; each says what it saw or raises."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import requests

from geodes_datalab.errors import GeodesError, ServiceError
from geodes_datalab.hub.check.visit import Visit, told

Step = tuple[str, Callable[[], str]]

_PENDING = "look at the events of the namespace of Dask's pods: no room, or a quota?"
_CLOSED = (
    "the catalogue's address may be closed: allow it in networkPolicy.egress if it is private; "
    "on a site without a catalogue set tests.catalogue: false"
)


def steps(visit: Visit, *, cluster: bool, catalogue: bool) -> Iterator[Step]:
    """Return the names of the steps and what they do, from a logged-in user on."""
    kernel: list[str] = []
    yield "server starts", lambda: start(visit)
    yield "server answers through the proxy", lambda: answers(visit)
    yield "kernel computes", lambda: _start_kernel(visit, kernel)
    if cluster:
        call = f"inside.cluster({visit.timeout!r})"
        yield "Dask cluster computes", lambda: _inside(visit, kernel, call)
    if catalogue:
        yield "catalogue answers", lambda: _inside(visit, kernel, "inside.catalogue()", _CLOSED)


def healthy(visit: Visit) -> str:
    """Wait until the hub answers through the proxy."""
    visit.wait(lambda: visit.page("hub/health").status_code == 200, "the hub's health page")
    version = visit.page("hub/api/").json()["version"]
    return f"JupyterHub {version}"


def start(visit: Visit) -> str:
    """Start the user's server, and tell why if it does not."""
    stop(visit)  # of a check that was killed
    began = time.monotonic()
    answer = visit.ask("POST", f"hub/api/users/{visit.user}/server")
    if answer.status_code not in (201, 202):
        raise ServiceError(
            f"the hub refused to start a server ({told(answer)})",
            hint="look at the hub's log; 429 means that too many servers are starting or running",
        )
    _follow(visit)
    return f"after {time.monotonic() - began:.0f} s"


def _follow(visit: Visit) -> None:
    """Read what happens to a starting server until it is ready."""
    path, seen = f"{visit.url}hub/api/users/{visit.user}/server/progress", ""
    end = time.monotonic() + visit.timeout
    with visit.session.get(path, stream=True, timeout=visit.timeout) as stream:
        for line in stream.iter_lines():
            if not line.startswith(b"data:"):
                continue
            event = json.loads(line.removeprefix(b"data:"))
            if event.get("ready"):
                return
            seen = event.get("message") or seen
            if event.get("failed") or time.monotonic() > end:
                break
    raise ServiceError(
        f"the server did not start. Last seen: {seen or 'nothing'}",
        hint="kubectl get events in the namespace tells more",
    )


def answers(visit: Visit) -> str:
    """Ask the user's server for its state, through the proxy."""

    def right() -> bool:
        # Without a token this page sends to the hub and back, which logs the user in there.
        if "Authorization" not in visit.session.headers:
            visit.page(f"user/{visit.user}/lab")
        return visit.page(f"user/{visit.user}/api/status").status_code == 200

    visit.wait(right, "the user's server through the proxy")
    return f"{visit.url}user/{visit.user}/"


def stop(visit: Visit) -> str:
    """Stop the user's server, and wait until it is gone."""
    path = f"hub/api/users/{visit.user}"

    def gone() -> bool:
        answer = visit.page(path)
        answer.raise_for_status()
        user = answer.json()
        if user["server"] is None and not user["pending"]:
            return True
        if not user["pending"]:
            visit.ask("DELETE", f"{path}/server")
        return False

    visit.wait(gone, "the end of the user's server")
    return "server stopped"


def tidy(visit: Visit) -> None:
    """Stop the server after a failed check; a second failure would hide the first one."""
    with suppress(GeodesError, requests.RequestException):
        stop(visit)


def _start_kernel(visit: Visit, kernel: list[str]) -> str:
    answer = visit.ask("POST", f"user/{visit.user}/api/kernels", {"name": "python3"})
    if answer.status_code != 201:
        raise ServiceError(
            f"the server started no kernel ({told(answer)})",
            hint="look at the log of the user's pod",
        )
    kernel.append(answer.json()["id"])
    printed = visit.run(kernel[0], "print(6 * 7)")
    if printed != "42":
        raise ServiceError(
            f"the kernel says that 6 * 7 is {printed!r}", hint="look at the log of the user's pod"
        )
    return "6 * 7 is 42"


def _inside(visit: Visit, kernel: list[str], call: str, late: str = _PENDING) -> str:
    code = f"from geodes_datalab.hub.check import inside\nprint({call})"
    return visit.run(kernel[0], code, late=late).splitlines()[-1]

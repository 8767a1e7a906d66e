"""What people do on a datalab in Kubernetes: start a server, open clusters, leave."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests
from support.visitor import Failure, Kernel, Visitor
from support.waiting import eventually, minutes

from .release import Release

OPEN = """
import time, warnings
import geodes_datalab as gd
from dask_gateway import Gateway
gateway = Gateway()
cluster = gateway.new_cluster(shutdown_on_close=True)
client = cluster.get_client()
{first}
cluster.scale({workers})
client.wait_for_workers({workers}, timeout={limit})

def works(limit={limit}):
    'Let the cluster answer a computation; return the seconds that it took.'
    began = time.monotonic()
    total = client.submit(sum, range(1000), pure=False).result(timeout=limit)
    assert total == 499500
    return time.monotonic() - began

print("CLUSTER", cluster.name)
"""


def settle(visitor: Visitor, profile: str = "small") -> float:
    """Start the person's server unless it runs; return the seconds until the Lab answers."""
    if visitor.server_answers():
        return 0.0
    began = time.monotonic()
    begin(visitor, {"profile": profile})
    events = visitor.progress() if visitor.server_pending() else [{}]
    if events[-1].get("failed"):
        raise Failure(f"server of {visitor.name}: {events}")
    eventually(visitor.server_answers, f"Lab of {visitor.name}", within=5)
    return time.monotonic() - began


def token(visitor: Visitor) -> str:
    """Return an API token that somebody makes for themselves."""
    answer = visitor.hub("POST", f"users/{visitor.name}/tokens", {"note": "of a test"})
    answer.raise_for_status()
    return str(answer.json()["token"])


def begin(visitor: Visitor, options: dict[str, Any]) -> None:
    """Ask for the server; one that is being started or stopped is waited for first."""
    eventually(
        lambda: not visitor.server_pending(), f"the hub's work for {visitor.name}", within=10
    )
    answer = visitor.start(options)
    if answer.status_code not in (201, 202) and "already running" not in answer.text:
        raise Failure(f"server of {visitor.name}: {answer.status_code} {answer.text[:500]}")


def refusal(visitor: Visitor, options: dict[str, Any]) -> str:
    """Ask for a server that may not be; return why not, told at once or on the page of its progress.

    The hub answers after half a second, whether or not it has looked at the options by then: with 202, or
    with 201 where it looked between its last wait and its answer.
    """
    answer = visitor.start(options)
    if answer.status_code in (201, 202):
        last = visitor.progress()[-1]
        if not last.get("failed"):
            raise Failure(f"{visitor.name} was given {options}: {last}")
        return str(last["message"])
    if answer.status_code not in (400, 403, 422):
        raise Failure(f"{visitor.name} asked for {options}: {answer.status_code} {answer.text}")
    return answer.text


def leave(visitor: Visitor) -> float:
    """Stop the server and wait for its end; return the seconds."""
    began = time.monotonic()
    visitor.stop()
    eventually(lambda: not active(visitor), f"end of the server of {visitor.name}", within=5)
    return time.monotonic() - began


def start_afresh(release: Release, name: str) -> None:
    """Stop the person's server and remove the home: an earlier run may have left them (KEEP=1)."""
    visitor = release.visitor(name)
    if active(visitor):
        leave(visitor)
    claim = f"{release.name}-home-{name}"
    arguments = ["delete", "pvc", claim, "-n", release.namespace, "--ignore-not-found"]
    release.cluster.kubectl(*arguments, f"--timeout={minutes(5):.0f}s")


@contextmanager
def no_more_homes(release: Release) -> Iterator[None]:
    """A quota on claims that is used up."""
    used = len(release.get("persistentvolumeclaims", namespace=release.namespace))
    arguments = ["-n", release.namespace, "quota", "homes"]
    release.cluster.kubectl("create", *arguments, f"--hard=persistentvolumeclaims={used}")
    path = "jsonpath={.status.used.persistentvolumeclaims}"
    try:
        release.until(
            lambda: release.cluster.kubectl("get", *arguments, "-o", path) == str(used), "the quota"
        )
        yield
    finally:
        release.cluster.kubectl("delete", *arguments)


def model(visitor: Visitor) -> dict[str, Any]:
    """Return what the hub knows of a person."""
    answer = visitor.hub("GET", f"users/{visitor.name}")
    answer.raise_for_status()
    return dict(answer.json())


def active(visitor: Visitor) -> bool:
    """Tell whether the hub holds a server of a person, in whatever state."""
    return bool(model(visitor)["servers"])


def with_cluster(visitor: Visitor, *, workers: int, first: str = "") -> Kernel:
    """Open a kernel with a Dask cluster.

    Parameters
    ----------
    visitor, workers
        Whose, and how many.
    first
        Code that submits work before there are workers: the cluster is never idle then.
    """
    kernel = visitor.kernel()
    code = OPEN.format(workers=workers, first=first, limit=minutes(5))
    kernel.run(code, timeout=minutes(10))
    return kernel


def cluster_name(kernel: Kernel) -> str:
    """Return the name of a kernel's cluster."""
    return kernel.run("print(cluster.name)").strip()


def workers(kernel: Kernel) -> int:
    """Return how many workers the scheduler knows."""
    return int(kernel.run("print(len(client.scheduler_info(-1)['workers']))"))


def close_clusters(kernel: Kernel, *, first: str = "") -> None:
    """Close what a kernel opened, and the kernel; a server that has gone is no error."""
    with suppress(Failure, requests.RequestException, OSError):
        if first:
            kernel.run(first)
    with suppress(Failure, requests.RequestException, OSError):
        kernel.run("client.close(); cluster.shutdown(); gateway.close()")
        kernel.visitor.send("DELETE", f"api/kernels/{kernel.id}")


def dashboard(kernel: Kernel) -> str:
    """Return the path of the cluster's dashboard, below the person's own server."""
    link = kernel.run("print(cluster.dashboard_link)").strip()
    return link.split(f"/user/{kernel.visitor.name}/", 1)[1]


def reply(text: str) -> Any:
    """Return the value that a cell printed as JSON in its last line."""
    return json.loads(text.strip().splitlines()[-1])

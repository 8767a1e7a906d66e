"""What people do on a datalab in Kubernetes: start a server, open clusters, leave."""

from __future__ import annotations

import json
import time
from typing import Any

import requests
from support.visitor import Failure, Kernel, Visitor, wait_for
from tornado.httpclient import HTTPError

from .release import Release

OPEN = """
import time, warnings
import geodes_datalab as gd
from dask_gateway import Gateway
gateway = Gateway()
cluster = gateway.new_cluster(shutdown_on_close=True)
client = cluster.get_client()
cluster.scale({workers})
client.wait_for_workers({workers}, timeout=150)

def works(seconds=90):
    'Return the seconds until the cluster answers a computation.'
    began = time.monotonic()
    total = client.submit(sum, range(1000), pure=False).result(timeout=seconds)
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
    wait_for(visitor.server_answers, f"Lab of {visitor.name}", timeout=60)
    return time.monotonic() - began


def begin(visitor: Visitor, options: dict[str, Any]) -> None:
    """Ask for the server; one that is being started or stopped is waited for first."""
    wait_for(lambda: not visitor.server_pending(), f"the hub's work for {visitor.name}")
    answer = visitor.start(options)
    if answer.status_code not in (201, 202) and "already running" not in answer.text:
        raise Failure(f"server of {visitor.name}: {answer.status_code} {answer.text[:500]}")


def leave(visitor: Visitor) -> float:
    """Stop the server and wait for its end; return the seconds."""
    began = time.monotonic()
    visitor.stop()
    wait_for(lambda: not active(visitor), f"end of the server of {visitor.name}")
    return time.monotonic() - began


def start_afresh(release: Release, name: str) -> None:
    """Stop the person's server and remove the home: an earlier run may have left them (KEEP=1)."""
    visitor = release.visitor(name)
    if active(visitor):
        leave(visitor)
    claim = f"{release.name}-home-{name}"
    arguments = ["delete", "pvc", claim, "-n", release.namespace, "--ignore-not-found"]
    release.cluster.kubectl(*arguments, "--timeout=90s")


def model(visitor: Visitor) -> dict[str, Any]:
    """Return what the hub knows of a person."""
    answer = visitor.hub("GET", f"users/{visitor.name}")
    answer.raise_for_status()
    return dict(answer.json())


def active(visitor: Visitor) -> bool:
    """Tell whether the hub holds a server of a person, in whatever state."""
    return bool(model(visitor)["servers"])


def with_cluster(visitor: Visitor, *, workers: int) -> Kernel:
    """Open a kernel with a Dask cluster."""
    kernel = visitor.kernel()
    kernel.run(OPEN.format(workers=workers), timeout=240)
    return kernel


def cluster_name(kernel: Kernel) -> str:
    """Return the name of a kernel's cluster."""
    return kernel.run("print(cluster.name)").strip()


def workers(kernel: Kernel) -> int:
    """Return how many workers the scheduler knows."""
    return int(kernel.run("print(len(client.scheduler_info(-1)['workers']))"))


def close_clusters(kernel: Kernel) -> None:
    """Close what a kernel opened, and the kernel; a server that has gone is no error."""
    try:
        kernel.run("client.close(); cluster.shutdown(); gateway.close()", timeout=60)
        kernel.visitor.send("DELETE", f"api/kernels/{kernel.id}")
    except (Failure, HTTPError, requests.RequestException, OSError):
        pass


def dashboard(kernel: Kernel) -> str:
    """Return the path of the cluster's dashboard, below the person's own server."""
    link = kernel.run("print(cluster.dashboard_link)").strip()
    return link.split(f"/user/{kernel.visitor.name}/", 1)[1]


def reply(text: str) -> Any:
    """Return the value that a cell printed as JSON in its last line."""
    return json.loads(text.strip().splitlines()[-1])

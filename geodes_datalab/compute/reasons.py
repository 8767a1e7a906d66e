"""What a gateway of the datalab tells beyond Dask Gateway: why workers wait, and its sizes of workers.

Another Dask Gateway has no such addresses; then nothing is known, and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from geodes_datalab.compute.request import Request
from geodes_datalab.errors import ClusterError

LASTING = ("image", "pod_security", "config", "forbidden")
"""Reasons that only somebody's work ends; room and quotas come back by themselves."""


def waiting(gateway: Any, name: str) -> dict[str, Any]:
    """Return what a gateway knows of a cluster's pods; nothing where it knows nothing.

    Parameters
    ----------
    gateway
        A `dask_gateway.Gateway`.
    name
        The cluster's.
    """
    return _ask(gateway, waiting_path(name))


def waiting_path(name: str) -> str:
    """Return the path, below a gateway's address, of what is known of a cluster's pods or jobs.

    Parameters
    ----------
    name
        The cluster's.
    """
    return f"/api/v1/clusters/{name}/waiting"


def text(told: dict[str, Any]) -> str | None:
    """Return in words why pods wait or were lost; None where there is no reason.

    Parameters
    ----------
    told
        What `waiting` returned.

    Examples
    --------
    >>> text({"waiting": [{"component": "worker", "count": 2, "text": "the quota is used up"}]})
    '2 workers wait: the quota is used up'
    """
    result = [
        f"{_count(item)} {'waits' if item['count'] == 1 else 'wait'}: {item['text']}"
        for item in told.get("waiting") or []
    ]
    result += [f"lost {_count(item)}: {item['text']}" for item in told.get("lost") or []]
    return "; ".join(result) or None


def lasting(told: dict[str, Any]) -> bool:
    """Tell whether a scheduler waits for what waiting does not bring.

    Parameters
    ----------
    told
        What `waiting` returned.
    """
    return any(
        item["component"] == "scheduler" and item["reason"] in LASTING
        for item in told.get("waiting") or []
    )


def failure(told: dict[str, Any]) -> str | None:
    """Return in words why a cluster failed, as far as the gateway knows.

    Parameters
    ----------
    told
        What `waiting` returned.
    """
    result = told.get("failure")
    return str(result["text"]) if result else None


def size(gateway: Any, request: Request) -> str:
    """Return the name of the smallest worker of a gateway that has the cores and memory asked for.

    Parameters
    ----------
    gateway
        A `dask_gateway.Gateway` whose workers are chosen by name.
    request
        What the user asked for.

    Raises
    ------
    ClusterError
        There is none; the message names those that are.
    """
    sizes = _ask(gateway, "/api/v1/sizes").get("sizes", {})
    cores, memory = request.cores or 0, (request.memory or 0) / 2**30
    fitting = [
        (item["cores"], item["memory_gib"], name)
        for name, item in sizes.items()
        if item["cores"] >= cores and item["memory_gib"] >= memory
    ]
    if not fitting:
        raise ClusterError(
            f"no worker of this gateway has {_words(request.cores, memory)}",
            hint=f'choose one by options={{"size": ...}}: {_listed(sizes.items())}',
        )
    return str(min(fitting)[2])


async def fetched(gateway: Any, path: str) -> dict[str, Any]:
    """Ask a gateway with the client's own session, which knows how to sign in.

    Parameters
    ----------
    gateway
        A `dask_gateway.Gateway`, whose event loop runs this.
    path
        Below the gateway's address.
    """
    try:
        answer = await gateway._request("GET", gateway.address + path)  # noqa: SLF001
    except ValueError:  # 404: a gateway without this address, or without this cluster
        return {}
    told: dict[str, Any] = await answer.json()
    return told


def _ask(gateway: Any, path: str) -> dict[str, Any]:
    told: dict[str, Any] = gateway.sync(fetched, gateway, path)
    return told


def _count(one: dict[str, Any]) -> str:
    if one["component"] == "scheduler":
        return "the scheduler"
    return f"{one['count']} worker{'s' * (one['count'] != 1)}"


def _words(cores: float | None, memory: float) -> str:
    parts = [f"{cores:g} core{'s' * (cores != 1)}"] if cores else []
    return " and ".join([*parts, *([f"{memory:.3g} GiB of memory"] if memory else [])])


def _listed(sizes: Iterable[tuple[str, dict[str, Any]]]) -> str:
    return "; ".join(
        f"{name} ({_words(item['cores'], item['memory_gib'])})" for name, item in sizes
    )

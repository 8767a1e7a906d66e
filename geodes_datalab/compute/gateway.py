"""Dask clusters of a Dask Gateway."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from geodes_datalab.compute import reasons, scheduler
from geodes_datalab.compute.access import open_gateway, stop, translated
from geodes_datalab.compute.request import Request
from geodes_datalab.errors import ClusterError, ClusterWarning, near

_AFTER_INTERRUPT = 15.0
"""Seconds that Ctrl-C waits for the gateway to name a cluster, so that it can be stopped."""


class GatewayBackend:
    """A cluster that a Dask Gateway runs for the user."""

    def __init__(
        self,
        gateway: Any,
        cluster: Any,
        option_names: list[str],
        kind: str = "gateway",
        *,
        keep: bool = False,
    ) -> None:
        self.kind = kind
        self._keep = keep
        self._gateway = gateway
        self._cluster = cluster
        self._closed = False
        self.name: str = cluster.name
        self.cure = _HPDA_CURE if kind == "hpda" else _cure(option_names)

    def dashboard_link(self) -> str | None:
        """Return where a browser finds the dashboard."""
        link = self._cluster.dashboard_link
        return str(link) if link else None

    def connect(self) -> Any:
        """Return a client, registered as the current one."""
        return self._cluster.get_client()

    def scale(self, workers: int) -> tuple[int, str | None]:
        """Ask the gateway for a number of workers."""
        told = _told(lambda: self._cluster.scale(workers))
        allowed = re.search(r"Scaling to (\d+) instead", told or "")
        return (int(allowed[1]) if allowed else workers), _limit(told)

    def adapt(self, low: int, high: int) -> tuple[int, str | None]:
        """Let the gateway change the number of workers as work comes."""
        told = _told(lambda: self._cluster.adapt(minimum=low, maximum=high))
        allowed = re.search(r"minimum=(\d+)` instead", told or "")
        return (int(allowed[1]) if allowed else low), _limit(told)

    def failure(self) -> str | None:
        """Return why no further workers can come: the gateway has ended the cluster."""
        with translated(self._gateway.address):
            status = self._gateway.get_cluster(self.name).status.name
            if status in ("PENDING", "RUNNING"):
                return None
            why = reasons.failure(reasons.waiting(self._gateway, self.name))
        return f"the gateway says {status.lower()}" + (f" ({why})" if why else "")

    def reasons(self) -> str | None:
        """Return what the gateway knows of pods that wait; no answer just now is no error."""
        with suppress(ClusterError), translated(self._gateway.address):
            return reasons.text(reasons.waiting(self._gateway, self.name))
        return None

    def queued(self) -> bool:
        """Tell whether jobs wait in the queue of an HPC centre."""
        with suppress(ClusterError), translated(self._gateway.address):
            return bool(reasons.waiting(self._gateway, self.name).get("queued"))
        return False

    def waiting_for(self) -> str:
        """Return what is known of workers that did not come."""
        known = self.reasons()
        if known:
            return known
        with translated(self._gateway.address):
            others = [item.name for item in self._gateway.list_clusters() if item.name != self.name]
        text = "the gateway is still starting the others: its machines may be full"
        if others:
            text += f", or your other clusters ({', '.join(others)}) use your share"
        return text

    def close(self) -> None:
        """Stop the cluster on the gateway, unless it was joined, and drop the connections to it."""
        if self._closed:
            return
        self._closed = True
        try:
            self._cluster.close(shutdown=False)
            if not self._keep:
                stop(self._gateway, self.name)
        except ClusterError as error:
            warnings.warn(
                ClusterWarning(
                    f"the cluster {self.name} could not be stopped: {error.message}\n"
                    "  What to do: geodes_datalab.clusters() lists it; .stop(name) tries again"
                ),
                stacklevel=3,
            )
        finally:
            self._gateway.close()


def start(request: Request, kind: str = "gateway") -> GatewayBackend:
    """Start a cluster without workers.

    Nothing is left behind when this fails or is interrupted.

    Parameters
    ----------
    request
        What the user asked for.
    kind
        Which gateway: ``gateway`` or ``hpda``.

    Raises
    ------
    ClusterError
        The gateway is away, refuses the user, the options, or one more cluster.
    """
    gateway = open_gateway(kind)
    try:
        with translated(gateway.address):
            options = _options(gateway, request, kind)
            name = _submit(gateway, options)
            try:
                scheduler.wait(gateway, name, request)
                cluster = gateway.connect(name, shutdown_on_close=True)
            except BaseException:
                stop(gateway, name)
                raise
        return GatewayBackend(gateway, cluster, list(options), kind)
    except BaseException:
        gateway.close()
        raise


def join(name: str, kind: str) -> GatewayBackend:
    """Return a running cluster that was opened elsewhere; closing it leaves it running.

    Parameters
    ----------
    name
        The cluster's.
    kind
        Of which gateway: ``gateway`` or ``hpda``.

    Raises
    ------
    ClusterError
        It does not run (yet, or any more), or the gateway is away.
    """
    gateway = open_gateway(kind)
    try:
        with translated(gateway.address):
            status = gateway.get_cluster(name).status.name
            if status != "RUNNING":
                why = reasons.text(reasons.waiting(gateway, name))
                raise ClusterError(
                    f"the cluster {name} is {status.lower()}" + (f": {why}" if why else ""),
                    hint="connect to it when geodes_datalab.clusters() says running",
                )
            options = list(gateway.cluster_options(use_local_defaults=False))
            cluster = gateway.connect(name, shutdown_on_close=False)
        return GatewayBackend(gateway, cluster, options, kind, keep=True)
    except BaseException:
        gateway.close()
        raise


_FREE = "geodes_datalab.clusters() lists your clusters; .stop(name) frees their share"
_ALLOWED = "choose what is allowed here, or ask your operator to allow more"


def _submit(gateway: Any, options: Any) -> str:
    """Ask for a cluster and return its name; Ctrl-C waits for the name and stops the cluster."""
    with ThreadPoolExecutor(1, thread_name_prefix="submit-cluster") as pool:
        future = pool.submit(gateway.submit, options)
        try:
            return str(future.result())
        except ValueError as error:
            raise refusal(error) from error
        except BaseException as interrupt:
            if not future.done() or future.exception() is not interrupt:
                with suppress(Exception):
                    stop(gateway, future.result(timeout=_AFTER_INTERRUPT))
            raise


def _options(gateway: Any, request: Request, kind: str) -> Any:
    """Return the gateway's options with what was asked for.

    Raises
    ------
    ClusterError
        The gateway has no such option, or refuses its value.
    """
    options = gateway.cluster_options(use_local_defaults=kind == "gateway")  # dask_gateway's own
    choose(options, _asked(gateway, request, options))
    return options


def refusal(error: ValueError) -> ClusterError:
    """Return what to raise in place of a gateway's answer that it starts no such cluster.

    Parameters
    ----------
    error
        As `dask_gateway` raises it.
    """
    return ClusterError(
        f"the Dask Gateway refused the cluster: {error}",
        hint=_FREE if "you may hold" in str(error) or "already" in str(error) else _ALLOWED,
    )


def choose(options: Any, wanted: Mapping[str, Any]) -> None:
    """Set options of a gateway.

    Parameters
    ----------
    options
        `dask_gateway.options.Options`.
    wanted
        Values by name.

    Raises
    ------
    ClusterError
        The gateway has no such option, or refuses its value.
    """
    for name, value in wanted.items():
        if name not in options:
            raise ClusterError(
                f"this Dask Gateway has no option {name!r}",
                hint=near(name, options) or f"it has {', '.join(options) or 'none'}",
            )
        try:
            options[name] = value
        except (TypeError, ValueError) as error:
            raise ClusterError(
                f"this Dask Gateway refuses {name}={value!r}: {error}",
                hint=_choices(options, name),
            ) from error


def _asked(gateway: Any, request: Request, options: Mapping[str, Any]) -> dict[str, Any]:
    asked = dict(request.options)
    if "size" in options and "worker_cores" not in options:
        asked |= _sized(gateway, request)
    else:
        if request.cores is not None:
            asked["worker_cores"] = _like(options.get("worker_cores"), request.cores)
        if request.memory is not None:
            asked["worker_memory"] = request.memory / 2**30
    if request.environment:
        asked["environment"] = {**(options.get("environment") or {}), **request.environment}
    return asked


def _sized(gateway: Any, request: Request) -> dict[str, Any]:
    """Return the named size of what was asked for in figures."""
    if request.cores is None and request.memory is None:
        return {}
    if "size" in request.options:
        raise ClusterError(
            "a size of workers was given by name and in figures",
            hint='leave out options={"size": ...}, or worker_cores and worker_memory',
        )
    return {"size": reasons.size(gateway, request)}


def _choices(options: Any, name: str) -> str:
    """Return what an option may be, or at least what it is by default."""
    choices = getattr(getattr(options, "_fields", {}).get(name), "options", None)
    return f"choose {', '.join(choices)}" if choices else f"its default is {options[name]!r}"


def _like(default: Any, value: float) -> float:
    """Return a whole number as int where the gateway's own value is one."""
    return int(value) if isinstance(default, int) and value == int(value) else float(value)


def _told(ask: Callable[[], None]) -> str | None:
    """Call, and return the text of the gateway's warning, if it gave one."""
    from dask_gateway.client import GatewayWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ask()
    texts = []
    for item in caught:
        if issubclass(item.category, GatewayWarning):
            texts.append(str(item.message))
        else:
            warnings.warn_explicit(item.message, item.category, item.filename, item.lineno)
    return " ".join(texts) or None


def _limit(told: str | None) -> str | None:
    return f"the gateway limits your clusters ({told.rstrip('.')})" if told else None


_HPDA_CURE = (
    "the HPC centre's environment must hold the versions of this server's: ask its administrator to "
    "install the release of your notebook image there (how-to: HPDA), or start a server that has theirs"
)


def _cure(option_names: list[str]) -> str:
    image = os.environ.get("JUPYTER_IMAGE_SPEC")
    if image and "image" in option_names:
        return f'open_cluster(..., options={{"image": "{image}"}}) gives the workers this server\'s image'
    return (
        "restart your server, so that it runs the newest environment; if it stays, ask your operator "
        "to give workers the environment (image) of the user servers"
    )

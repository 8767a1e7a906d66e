"""What Prometheus may know of a gateway; /metrics of its API.

==================================  =========================================================
``datalab_gateway_clusters``        gauge; ``user``, ``status`` (pending, running)
``datalab_gateway_workers``         gauge; ``user``, ``state`` (wanted, running, pending)
``datalab_gateway_cores``           gauge; ``user``: reserved by schedulers and wanted workers
``datalab_gateway_memory_bytes``    gauge; ``user``: the same of memory
``datalab_gateway_waiting``         gauge; ``user``, ``reason``: pods that wait or were refused
``datalab_gateway_refused_total``   counter; ``reason``: clusters refused at once (limit, size,
                                    image, environment, option)
``datalab_gateway_failed_total``    counter; ``reason``: clusters that failed
``datalab_gateway_reaped_total``    counter: clusters ended because their owner had no server
``datalab_gateway_reaper_up``       gauge: whether the last comparison with the hub worked
==================================  =========================================================

The reasons of waiting and failing are the words of
`geodes_datalab.hub.gateway.kubernetes.reasons.WORDS`.
"""

from __future__ import annotations

from collections import Counter as Count
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

PREFIX = "datalab_gateway_"


@dataclass(frozen=True)
class ClusterUse:
    """What one active cluster uses now."""

    user: str
    status: str
    """``pending`` or ``running``."""
    wanted: int = 0
    running: int | None = None
    """Workers; None where the backend does not say."""
    pending: int | None = None
    cores: float = 0.0
    memory: float = 0.0
    """Bytes."""
    waiting: dict[str, int] = field(default_factory=dict)
    """Pods that wait, by reason."""


class Metrics:
    """Counters and gauges of one gateway.

    Parameters
    ----------
    use
        Returns the active clusters; asked whenever somebody reads the metrics.
    """

    def __init__(self, use: Callable[[], Iterable[ClusterUse]]) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Use(use))
        self.refused = self._counter("refused", "Clusters refused at once.", ["reason"])
        self.failed = self._counter("failed", "Clusters that failed.", ["reason"])
        self.reaped = self._counter("reaped", "Clusters ended as their owner had no server.")
        self._reaper: Gauge | None = None

    def text(self) -> bytes:
        """Return everything as Prometheus reads it."""
        return generate_latest(self.registry)

    def reaper_works(self, works: bool) -> None:
        """Note how the last comparison with the hub went."""
        if self._reaper is None:
            self._reaper = Gauge(
                f"{PREFIX}reaper_up",
                "Whether the last comparison with the hub worked.",
                registry=self.registry,
            )
        self._reaper.set(works)

    def _counter(self, name: str, text: str, labels: Iterable[str] = ()) -> Counter:
        return Counter(f"{PREFIX}{name}", text, labels, registry=self.registry)


class _Use(Collector):
    """Gauges that are counted when they are read."""

    def __init__(self, use: Callable[[], Iterable[ClusterUse]]) -> None:
        self._use = use

    def collect(self) -> Iterator[GaugeMetricFamily]:
        clusters = list(self._use())
        yield _gauge(
            "clusters",
            "Active Dask clusters.",
            ["user", "status"],
            _sum(((item.user, item.status), 1) for item in clusters),
        )
        states = ("wanted", "running", "pending")
        yield _gauge(
            "workers",
            "Dask workers.",
            ["user", "state"],
            _sum(
                ((item.user, state), getattr(item, state)) for item in clusters for state in states
            ),
        )
        for name, attribute, text in (
            ("cores", "cores", "Cores reserved for schedulers and wanted workers."),
            ("memory_bytes", "memory", "Memory reserved for schedulers and wanted workers."),
        ):
            counted = _sum(((item.user,), getattr(item, attribute)) for item in clusters)
            yield _gauge(name, text, ["user"], counted)
        waits = _sum(
            ((item.user, reason), count)
            for item in clusters
            for reason, count in item.waiting.items()
        )
        yield _gauge("waiting", "Pods that wait or were refused.", ["user", "reason"], waits)


def _sum(pairs: Iterable[tuple[tuple[str, ...], Any]]) -> Count[tuple[str, ...]]:
    total: Count[tuple[str, ...]] = Count()
    for key, value in pairs:
        if value is not None:
            total[key] += value
    return total


def _gauge(
    name: str, text: str, labels: list[str], values: Count[tuple[str, ...]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(PREFIX + name, text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family

"""Sizes of all homes for Prometheus.

=====================================================  ================================================
``geodes_datalab_home_used_bytes``                     gauge; ``home``: space that its files take
``geodes_datalab_home_files``                          gauge; ``home``: files and folders in it
``geodes_datalab_home_changed_timestamp_seconds``      gauge; ``home``: when its newest file was changed
``geodes_datalab_home_complete``                       gauge; ``home``: 0 where it holds at least this much
``geodes_datalab_home_measured_timestamp_seconds``     gauge; ``home``: when that was found out
``geodes_datalab_homes_volume_size_bytes``             gauge: the file system of all homes
``geodes_datalab_homes_volume_free_bytes``             gauge: what is left of it
``geodes_datalab_homes_failed_total``                  counter: rounds that ended with an error
=====================================================  ================================================

``home`` is the name of the folder: the user's name, made safe for Kubernetes. Nothing is measured while
nobody asks: an answer tells what is known, and begins a round in the background where one is due.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from geodes_datalab.hub.homes.places import Places
from geodes_datalab.server.home_usage.measure import Measured, Pace, measure
from geodes_datalab.settings import HomeMetrics, Settings

PREFIX = "geodes_datalab_home"

_GAUGES = (
    ("used_bytes", "Space that the files of a home take.", "bytes"),
    ("files", "Files and folders in a home.", "files"),
    ("changed_timestamp_seconds", "When the newest file of a home was changed.", "changed"),
    ("complete", "Whether all of a home was measured; 0: it holds at least this.", "complete"),
    ("measured_timestamp_seconds", "When a home was measured.", "at"),
)


class HomeSizes(Collector):
    """Measures homes one after another, and tells what it knows.

    Parameters
    ----------
    places
        The homes.
    metrics
        How often, and how fast.
    """

    def __init__(self, places: Places, metrics: HomeMetrics) -> None:
        self._places = places
        self._pause = metrics.every_minutes * 60
        self._pace = Pace(share=metrics.share, seconds=metrics.home_minutes * 60)
        self._known: dict[str, Measured] = {}
        self._lock = threading.Lock()
        self._round: threading.Thread | None = None
        self._failed = 0
        self._next = 0.0
        self._stop = threading.Event()

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Yield what is known; begin a round where one is due."""
        self.begin()
        known = sorted(self._known.copy().items())
        for name, text, attribute in _GAUGES:
            family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=["home"])
            for home, result in known:
                family.add_metric([_label(home)], float(getattr(result, attribute)))
            yield family
        yield CounterMetricFamily(
            f"{PREFIX}s_failed", "Rounds that ended with an error.", self._failed
        )
        yield from self._volume()

    def describe(self) -> Iterator[Any]:
        """Yield nothing: to be registered is no reason to measure."""
        return iter(())

    def begin(self) -> None:
        """Begin a round in the background, where one is due and none goes on."""
        with self._lock:
            running = self._round is not None and self._round.is_alive()
            if running or time.monotonic() < self._next:
                return
            self._round = threading.Thread(target=self._measure_all, name="homes", daemon=True)
            self._round.start()

    def wait(self, seconds: float) -> bool:
        """Wait for the round that goes on; tell whether it ended."""
        going = self._round
        if going is not None:
            going.join(seconds)
        return going is None or not going.is_alive()

    def stop(self) -> None:
        """End the round that goes on, and begin no other."""
        self._next = float("inf")
        self._stop.set()

    def _measure_all(self) -> None:
        try:
            names = self._places.names()
            for gone in set(self._known) - set(names):
                self._known.pop(gone)
            for name in names:
                if self._stop.is_set():
                    return
                self._measure(name)
        except OSError:  # the storage does not answer: what was known stays known
            self._failed += 1
        finally:
            self._next = max(self._next, time.monotonic() + self._pause)

    def _measure(self, name: str) -> None:
        try:
            with self._places.opened(name) as folder:
                self._known[name] = measure(folder, self._pace, self._stop)
        except FileNotFoundError:
            self._known.pop(name, None)
        except OSError:
            self._known[name] = Measured(0, 0, 0.0, False, time.time(), 0.0)

    def _volume(self) -> Iterator[GaugeMetricFamily]:
        try:
            said = os.statvfs(self._places.folder)
        except OSError:
            return
        for name, text, blocks in (
            ("size", "Size of the file system of all homes.", said.f_blocks),
            ("free", "Space left on the file system of all homes.", said.f_bavail),
        ):
            value = blocks * said.f_frsize
            yield GaugeMetricFamily(f"{PREFIX}s_volume_{name}_bytes", text, value)


def _label(home: str) -> str:
    r"""Return a name that Prometheus takes: of a folder whose name is no text, bytes as ``\xe9``."""
    return home.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


_registered: list[HomeSizes] = []


def register(settings: Settings, registry: CollectorRegistry = REGISTRY) -> HomeSizes:
    """Let the hub's own ``/hub/metrics`` tell the sizes of homes; a second time, in the place of the first.

    Parameters
    ----------
    settings
        Where the homes of this machine are.
    registry
        Whose metrics are extended.
    """
    for old in _registered:
        registry.unregister(old)
    made = HomeSizes(Places(settings.spawner.homes), settings.homes.metrics)
    _registered[:] = [made]
    registry.register(made)
    return made

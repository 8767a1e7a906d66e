"""The cluster as its users see it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.waiting import Hopeless, eventually

from . import (
    addons,
    build,
    certificates,
    cgroups,
    cleanup,
    images,
    kubectl,
    needs,
    network,
    outside,
    processes,
    settings,
    versions,
    volumes,
)
from .errors import ClusterError
from .outside import GEODES_URL, WORLDS, World
from .parts import NAMES, Part, part
from .places import KUBELET_PORT, LOCK, MARKER, NODE_ADDRESS, Places

Report = Callable[[str], None]


def silent(_: str) -> None:
    """Report nothing."""


class Cluster:
    """A one-node Kubernetes on this machine. There is at most one per machine.

    Parameters
    ----------
    state
        Folder of the running cluster (default: ``CLUSTER_STATE`` or /var/tmp/...).
    cache
        Folder of what is built (default: ``CLUSTER_CACHE`` or the user's cache).
    report
        Called with a line for every step.
    """

    node_address = NODE_ADDRESS
    outside: Mapping[str, World] = WORLDS
    geodes_url = GEODES_URL

    def __init__(
        self, state: Path | None = None, cache: Path | None = None, report: Report = silent
    ) -> None:
        usual = versions.default_places()
        self.places = Places(
            cache=cache / versions.key() if cache else usual.cache, state=state or usual.state
        )
        self._report = report

    @property
    def kubeconfig(self) -> Path:
        """Credentials of an administrator."""
        return self.places.kubeconfig

    @property
    def geodes_key(self) -> str:
        """The API key that the stand-in GEODES takes."""
        return (self.places.state / "geodes-api-key").read_text(encoding="utf-8").strip()

    # -- its life

    def why_not(self) -> str | None:
        """Why it cannot run here, or None."""
        return needs.why_not(self.places)

    def build(self) -> None:
        """Build the binaries that the cache lacks."""
        needs.install(self._report)
        if reason := needs.why_not(self.places):
            raise ClusterError(reason)
        build.build(self.places, self._report)

    def up(self, *, tied: bool = False) -> bool:
        """Start the cluster and wait until it can be used.

        Parameters
        ----------
        tied
            It belongs to this process: found after this process died, it is taken for a leftover.

        Returns
        -------
        bool
            Whether it was started; it is left alone when it already runs. A start that fails leaves
            a tied cluster removed, and another as it is, to be looked at.
        """
        self.build()
        with _machine():
            if self.in_use():
                return False
            self._remove_others()
            try:
                self._start(tied=tied)
            except BaseException:
                if tied:  # nobody else would take it down; the logs stay
                    cleanup.remove(self.places)
                    MARKER.unlink(missing_ok=True)
                raise
        return True

    def down(self) -> None:
        """Stop it and remove everything but its logs.

        Raises
        ------
        ClusterError
            Something could not be removed; the message lists it.
        """
        with _machine(), self._step("down"):
            cleanup.remove(self.places)
            MARKER.unlink(missing_ok=True)
            if rest := cleanup.left(self.places):
                raise ClusterError("down left something behind:\n  " + "\n  ".join(rest))

    def healthy(self) -> bool:
        """Whether every part runs and the API server answers."""
        return all(self.running().values()) and kubectl.ready(self.places)

    def in_use(self) -> bool:
        """Whether it is up, and not what a process left that died."""
        return _marked() == (self.places.state, True) and self.healthy()

    def running(self) -> dict[str, bool]:
        """Which parts run."""
        return {name: processes.pid(self.places, name) is not None for name in NAMES}

    # -- using it

    def kubectl(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002
        """Run kubectl as administrator and return what it printed."""
        return kubectl.kubectl(self.places, *arguments, stdin=input)

    def helm(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002
        """Run helm as administrator and return what it printed."""
        return kubectl.helm(self.places, *arguments, stdin=input)

    def environment(self) -> dict[str, str]:
        """Variables for other programs: KUBECONFIG, and kubectl and helm on PATH."""
        return kubectl.environment(self.places)

    def load(self, image: str) -> bool:
        """Bring an image in: a name in buildah's or podman's storage, or an archive file.

        Returns
        -------
        bool
            Whether it was not there yet.
        """
        with self._step(f"load {image}"):
            return images.load(self.places, image)

    def add_volume(self, name: str, *, size_mib: int, storage_class: str) -> None:
        """Offer a small volume, which can be full, to the first claim of that storage class."""
        volumes.add(self.places, name, size_mib=size_mib, storage_class=storage_class)

    def audit(self) -> Iterator[dict[str, Any]]:
        """The API server's audit records since the cluster's first start, the oldest first."""
        with self.places.audit_log.open(encoding="utf-8") as records:
            for line in records:
                if line.endswith("\n"):  # the last one may still be in the writing
                    yield json.loads(line)

    def police_udp_dns(self, on: bool) -> None:
        """Switch whether name look-ups by UDP are subject to policies (off: see network.py)."""
        network.police_udp_dns(on)

    # -- breaking it

    def stop_part(self, name: str, *, hard: bool = True) -> None:
        """Stop one part, as a crash does (or softly); "node" stops all with every pod."""
        if name != "node":
            self._known(name)
            processes.stop(self.places, name, hard=hard)
            return
        for part_name in reversed(NAMES):
            processes.stop(self.places, part_name, hard=hard)
        cleanup.stop_pods(self.places)
        cleanup.forget_run(self.places)

    def start_part(self, name: str) -> None:
        """Start a part that was stopped; "node" starts all, with the state there was."""
        for part_name in NAMES if name == "node" else [self._known(name)]:
            if processes.pid(self.places, part_name) is None:
                self._launch(part_name)
        if name in {"apiserver", "etcd", "node"}:
            self._works(lambda: kubectl.ready(self.places), "apiserver")

    # -- steps

    def _start(self, *, tied: bool) -> None:
        places = self.places
        with self._step("network, certificates, settings"):
            shutil.rmtree(places.logs, ignore_errors=True)  # of the cluster before
            _mark(places, tied=tied)
            certificates.write(places.pki)
            settings.write(places)
            cgroups.create(places.name)
            network.create()
        with self._step("API server"):
            for name in ("etcd", "apiserver", "containerd"):
                self._launch(name)
            self._works(lambda: kubectl.ready(places), "apiserver")
        with self._step("policy engine, images"):
            addons.apply_policy_engine(places)
            self._launch("policy-engine")
            network.police()
            for image in images.BASE:
                images.load(places, str(images.archive(places, image)))
        with self._step("other parts, the outside world"):
            outside.create(places)
            for name in ("controller-manager", "scheduler", "kubelet", "kube-proxy"):
                self._launch(name)
            addons.apply(places)
            self._launch("provisioner")
        with self._step("node, DNS and the outside world ready"):
            addons.wait(places)
            outside.wait(places)

    def _launch(self, name: str) -> None:
        made = part(self.places, name)
        processes.start(self.places, name, made.command, made.environment)
        if name == "containerd":
            self._works(self.places.containerd_socket.is_socket, name)
        if name == "kubelet":
            self._insist(made)

    def _insist(self, kubelet: Part) -> None:
        """Start kubelet again, as service managers do: it ends when containerd is not whole yet."""

        def listens() -> bool:
            if network.listens(KUBELET_PORT):
                return True
            if processes.pid(self.places, kubelet.name) is None:
                processes.start(self.places, kubelet.name, kubelet.command, kubelet.environment)
            return False

        eventually(listens, "kubelet", within=10, scene=lambda: self._log_of(kubelet.name))

    def _works(self, condition: Callable[[], bool], name: str) -> None:
        def done() -> bool:
            runs = processes.pid(self.places, name) is not None  # looked for before the condition
            if condition():
                return True
            if not runs:
                raise Hopeless("it has ended")
            return False

        eventually(done, f"work of {name}", within=5, scene=lambda: self._log_of(name))

    def _log_of(self, name: str) -> str:
        log = self.places.logs / f"{name}.log"
        return f"{name} does not work -> read {log}, which ends with:\n{processes.tail(self.places, name)}"

    def _remove_others(self) -> None:
        """Clean what a crash or another folder's cluster left, unless that one is in use."""
        state, _ = _marked()
        if state not in {None, self.places.state}:
            other = Cluster(state, self.places.cache.parent)
            if other.in_use():
                raise ClusterError(
                    f"another test cluster runs on this machine, with its state in {state}\n"
                    f"  -> use it, or stop it with CLUSTER_STATE={state} scripts/cluster down"
                )
            cleanup.remove(other.places)
        if cleanup.left(self.places) or self.places.pki.exists():
            with self._step("cleaning up after an earlier cluster"):
                cleanup.remove(self.places)
        MARKER.unlink(missing_ok=True)

    def _known(self, name: str) -> str:
        if name not in NAMES:
            raise ClusterError(f"no part is called {name!r} -> one of {', '.join(NAMES)}, node")
        return name

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        self._report(f"{name}: {time.monotonic() - start:.1f} s")


@contextmanager
def _machine() -> Iterator[None]:
    """One start or stop at a time on this machine."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _mark(places: Places, *, tied: bool) -> None:
    owner = os.getpid() if tied else None
    MARKER.write_text(json.dumps({"state": str(places.state), "owner": owner}))


def _marked() -> tuple[Path | None, bool]:
    """State folder of the machine's cluster, if there is one, and whether its owner lives."""
    try:
        told = json.loads(MARKER.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None, False
    owner = told["owner"]
    return Path(told["state"]), owner is None or bool(processes.command_of(owner))

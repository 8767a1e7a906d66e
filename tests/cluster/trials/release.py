"""The chart as installed on the test cluster."""

from __future__ import annotations

import base64
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from harness import Cluster, ClusterError
from support.visitor import Failure, Visitor
from support.waiting import Text, eventually, minutes

from geodes_datalab import __version__

CHART = Path(__file__).parents[3] / "helm" / "geodes-datalab"
VALUES = Path(__file__).parents[1] / "values"
TAG = os.environ.get("CLUSTER_TAG") or __version__
IMAGES = tuple(f"localhost/geodes-datalab/{name}:{TAG}" for name in ("platform", "notebook"))
COMPONENTS = ("hub", "proxy", "culler", "gateway-api", "gateway-controller", "gateway-proxy")
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


@dataclass
class Release:
    """A release of the chart in one namespace, or in two (Dask's pods apart).

    Parameters
    ----------
    cluster
        Where it is installed.
    values
        Files of tests/cluster/values, the last one wins.
    """

    cluster: Cluster
    name: str = "datalab"
    namespace: str = "datalab"
    dask_namespace: str = "datalab-dask"
    values: Sequence[str] = ("small.yaml",)
    site_key: bool = True
    """Whether all users share the catalogue's key."""
    port: int | None = None
    """The node's port that people know; None: Kubernetes picks one at every installation."""
    chart: Path = CHART
    tag: str = TAG
    """Of the images."""
    changes: dict[str, Any] = field(default_factory=dict)
    """Values that tests changed since; kept over further upgrades."""

    @property
    def namespaces(self) -> list[str]:
        """Namespaces of its pods, without repetition."""
        return list(dict.fromkeys([self.namespace, self.dask_namespace]))

    # -- helm

    def make_namespaces(self) -> None:
        """Make the namespaces, with Pod Security ``restricted`` enforced in each."""
        for namespace in self.namespaces:
            text = self.cluster.kubectl(
                "create", "namespace", namespace, "--dry-run=client", "-o", "yaml"
            )
            self.cluster.kubectl("apply", "-f", "-", input=text)
            self.cluster.kubectl("label", "--overwrite", "namespace", namespace, RESTRICTED)

    def install(self) -> dict[str, float]:
        """Install it; return the seconds until each component was ready."""
        self.make_namespaces()
        began = time.monotonic()
        with self._value_files() as files:
            self.cluster.helm("install", self.name, str(self.chart), "-n", self.namespace, *files)
        seconds = self.ready(began=began)
        self.reached()
        return seconds

    def upgrade(self, changes: Mapping[str, Any] | None = None) -> float:
        """Upgrade it with further values (dotted keys); return the seconds until people reach all."""
        self.changes.update(changes or {})
        began = time.monotonic()
        with self._value_files() as files:
            self.cluster.helm("upgrade", self.name, str(self.chart), "-n", self.namespace, *files)
        self.rolled_out()
        return time.monotonic() - began

    @contextmanager
    def changed(self, changes: Mapping[str, Any]) -> Iterator[None]:
        """Upgrade it with further values, and back at the end."""
        self.upgrade(changes)
        try:
            yield
        finally:
            for key in changes:
                del self.changes[key]
            self.upgrade()

    def rollback(self) -> float:
        """Go back to the revision before; return the seconds until all is ready."""
        began = time.monotonic()
        self.cluster.helm("rollback", self.name, "-n", self.namespace)
        self.rolled_out()
        return time.monotonic() - began

    def uninstall(self) -> None:
        """Remove it, and wait for the end of what helm removes."""
        self.cluster.helm(
            "uninstall", self.name, "-n", self.namespace, "--wait", f"--timeout={minutes(10):.0f}s"
        )

    def installed(self) -> bool:
        """Tell whether a release of this name is there."""
        listed = self.cluster.helm("list", "-n", self.namespace, "-o", "json", "--all")
        return any(one["name"] == self.name for one in json.loads(listed))

    # -- what is there

    def get(self, kind: str, selector: str = "", *, namespace: str = "") -> list[dict[str, Any]]:
        """Return objects of a kind, from all namespaces of the release or from one."""
        found: list[dict[str, Any]] = []
        for one in [namespace] if namespace else self.namespaces:
            arguments = ["get", kind, "-n", one, "-o", "json", "-l", selector]
            found += json.loads(self.cluster.kubectl(*arguments))["items"]
        return found

    def pods(self, component: str, selector: str = "") -> list[dict[str, Any]]:
        """Return the pods of a component that are not on their way out, the oldest first."""
        label = "gateway.dask.org" if component.startswith("dask-") else "app.kubernetes.io"
        own = f"{label}/instance={self.name}"
        parts = [f"app.kubernetes.io/component={component}", own, selector]
        found = self.get("pods", ",".join(part for part in parts if part))
        found = [pod for pod in found if not pod["metadata"].get("deletionTimestamp")]
        return sorted(found, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def pod(self, component: str, selector: str = "") -> dict[str, Any]:
        """Return the newest pod of a component."""
        found = self.pods(component, selector)
        if not found:
            raise Failure(f"there is no pod of {component} {selector}")
        return found[-1]

    def user_pod(self, user: str) -> dict[str, Any]:
        """Return the pod of a user's server."""
        return self.pod("user", f"hub.jupyter.org/username={user}")

    def dask_pods(self, component: str, cluster: str) -> list[dict[str, Any]]:
        """Return the pods of a Dask cluster: ``dask-scheduler`` or ``dask-worker``."""
        return self.pods(component, of_cluster(cluster))

    def ready(self, *, began: float | None = None) -> dict[str, float]:
        """Wait until every component is ready; return the seconds that each took."""
        start = time.monotonic() if began is None else began
        seconds: dict[str, float] = {}

        def all_ready() -> bool:
            for component in COMPONENTS:
                if component not in seconds and any(map(is_ready, self.pods(component))):
                    seconds[component] = time.monotonic() - start
            return len(seconds) == len(COMPONENTS)

        self.until(all_ready, lambda: f"all components, not only {[*seconds]}", within=15)
        return seconds

    def until(self, check: Callable[[], Any], what: Text, *, within: float = 5) -> float:
        """Wait for something in the cluster; return the seconds. Kubernetes itself may be away meanwhile.

        What runs, and the last events, are told with a failure.
        """
        waited = eventually(
            check, what, within=within, again_on=(ClusterError,), scene=self.describe
        )
        return waited.seconds

    def rolled_out(self) -> None:
        """Wait until the Deployments run what the newest revision says, and nothing else."""
        for component in COMPONENTS:
            target = f"deployment/{self.name}-{component}"
            limit = f"--timeout={minutes(10):.0f}s"
            self.cluster.kubectl("rollout", "status", "-n", self.namespace, target, limit)
        self.reached()

    def reached(self) -> None:
        """Wait until people reach the hub: a node learns of a new pod after that is ready."""
        page = f"{self.url}hub/health"
        with requests.Session() as session:
            session.trust_env = False
            self.until(lambda: session.get(page, timeout=minutes(1)).ok, "the way to the hub")

    def describe(self) -> str:
        """Tell what runs, and the last events: for messages of failures."""
        told = []
        for namespace in self.namespaces:
            told.append(self.cluster.kubectl("get", "pods", "-n", namespace, "-o", "wide"))
            events = self.cluster.kubectl(
                "get", "events", "-n", namespace, "--sort-by=.lastTimestamp"
            )
            told.append("\n".join(events.splitlines()[-15:]))
        return "\n".join(told)

    def logs(self, component: str) -> str:
        """Return the log of a component's pods, earlier containers not included."""
        selector = f"app.kubernetes.io/component={component},app.kubernetes.io/instance={self.name}"
        arguments = ["logs", "-n", self.namespace, "-l", selector, "--tail=-1"]
        return self.cluster.kubectl(*arguments)

    # -- acting on it

    def run_in(self, pod: Mapping[str, Any], code: str, *arguments: str) -> str:
        """Run Python in a pod, and return what it printed."""
        metadata = pod["metadata"]
        command = ["exec", "-n", metadata["namespace"], metadata["name"], "--", "python", "-c"]
        return self.cluster.kubectl(*command, code, *arguments)

    def lose(self, pod: Mapping[str, Any]) -> None:
        """Take a pod away at once, as the loss of its machine does."""
        metadata = pod["metadata"]
        arguments = ["delete", "pod", "-n", metadata["namespace"], metadata["name"]]
        self.cluster.kubectl(*arguments, "--grace-period=0", "--force", "--wait=false")

    def crash(self, pod: Mapping[str, Any]) -> None:
        """Kill every process of a pod but the one that holds its network (SIGKILL)."""
        marks = (f"pod{pod['metadata']['uid']}", f"pod{pod['metadata']['uid']}".replace("-", "_"))
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                groups = (entry / "cgroup").read_text("utf-8")
                holds_network = (entry / "cmdline").read_bytes().startswith(b"/bin/pause")
            except OSError:
                continue
            if any(mark in groups for mark in marks) and not holds_network:
                with suppress(ProcessLookupError):
                    os.kill(int(entry.name), 9)

    # -- people

    @property
    def url(self) -> str:
        """Address for browsers, on the node's port."""
        service = f"{self.name}-proxy-public"
        path = "jsonpath={.spec.ports[0].nodePort}"
        port = self.cluster.kubectl("get", "service", service, "-n", self.namespace, "-o", path)
        return f"http://{self.cluster.node_address}:{port}/"

    def secret(self, key: str) -> str:
        """Return a value of the release's Secret."""
        arguments = ["get", "secret", f"{self.name}-secrets", "-n", self.namespace, "-o", "json"]
        found = json.loads(self.cluster.kubectl(*arguments))["data"]
        return base64.b64decode(found[key]).decode()

    def visitor(self, name: str) -> Visitor:
        """Log a user in, as soon as the hub can be reached."""
        visitor = Visitor(self.url, name)
        password = self.secret("auth.admin-password" if name == "admin" else "auth.password")

        def logged_in() -> bool:
            visitor.log_in(password)
            return True

        self.until(logged_in, f"the log-in of {name}")
        return visitor

    # -- values

    @contextmanager
    def _value_files(self) -> Iterator[list[str]]:
        """Options of helm for all values; the last file is made up here and holds a key."""
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(self._own_values(), file)
            file.flush()
            files = [str(VALUES / name) for name in self.values]
            yield [f"--values={path}" for path in [*files, file.name]]

    def _own_values(self) -> dict[str, Any]:
        """Return what only this cluster knows, and what tests changed."""
        values: dict[str, Any] = {
            "hub.image.tag": self.tag,
            "singleuser.image.tag": self.tag,
            "geodes.portal": self.cluster.geodes_url,
            "networkPolicy.egress.catalogue.cidrs": [f"{self.cluster.outside['private'].host}/32"],
        }
        if self.port:
            values["proxy.service.nodePorts.http"] = self.port
        if self.dask_namespace != self.namespace:
            values["gateway.backend.namespace"] = self.dask_namespace
        nested: dict[str, Any] = {}
        for key, value in {**values, **self.changes}.items():
            _put(nested, key.split("."), value)
        if self.site_key:
            _put(nested, ["secrets", "values", "geodes.api-key"], self.cluster.geodes_key)
        return nested


def of_cluster(name: str) -> str:
    """Return the selector of a Dask cluster's objects (its name begins with the namespace)."""
    return f"gateway.dask.org/cluster={name.rpartition('.')[2]}"


def image_of(pod: Mapping[str, Any]) -> str:
    """Return the image of a pod's first container."""
    return str(pod["spec"]["containers"][0]["image"])


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Tell whether a pod is ready."""
    conditions = pod["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _put(target: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        target = target.setdefault(name, {})
    target[path[-1]] = value

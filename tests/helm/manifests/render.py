"""Render a chart with the real helm, and look at what came out."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from support.waiting import minutes

Object = dict[str, Any]
SCRIPT = Path(__file__).parents[3] / "scripts" / "helm"


def _oldest() -> tuple[int, ...]:
    """Return the oldest helm that the chart asks for, as scripts/helm has it."""
    found = re.search(r"^OLDEST=(\d+)\.(\d+) ", SCRIPT.read_text(), re.MULTILINE)
    assert found, "scripts/helm names no oldest version"
    return tuple(map(int, found.groups()))


OLDEST = _oldest()


@dataclass(frozen=True)
class Helm:
    """A helm binary and a chart."""

    binary: str
    chart: Path
    home: Path

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run helm with folders of its own, so that a user's settings do not matter."""
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.home),
            "HELM_CACHE_HOME": str(self.home / "cache"),
            "HELM_CONFIG_HOME": str(self.home / "config"),
            "HELM_DATA_HOME": str(self.home / "data"),
            "KUBECONFIG": "/dev/null",
        }
        return subprocess.run(
            [self.binary, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=environment,
            timeout=minutes(5),
        )

    def fits(self) -> bool:
        """Tell whether it runs as the tests run it (a version manager's shim may not), and is new."""
        try:
            told = self.run("version", "--template", "{{.Version}}").stdout
        except (OSError, subprocess.TimeoutExpired):
            return False
        version = re.match(r"v(\d+)\.(\d+)", told)
        return version is not None and tuple(map(int, version.groups())) >= OLDEST

    def template(
        self,
        *files: Path,
        values: Any = None,
        release: str = "datalab",
        namespace: str = "datalab",
    ) -> subprocess.CompletedProcess[str]:
        """Render; `values` (a mapping) comes after the files."""
        arguments = ["template", release, str(self.chart), "--namespace", namespace]
        for file in files:
            arguments += ["--values", str(file)]
        if values is not None:
            arguments += ["--values", "-"]
        return self.run(*arguments, stdin=None if values is None else json.dumps(values))

    def render(self, *files: Path, **how: Any) -> Release:
        """Render, which must succeed."""
        done = self.template(*files, **how)
        assert done.returncode == 0, done.stderr
        return Release.read(
            done.stdout,
            name=how.get("release", "datalab"),
            namespace=how.get("namespace", "datalab"),
        )


@dataclass(frozen=True)
class Release:
    """Rendered objects."""

    text: str = field(repr=False)
    objects: tuple[Object, ...] = field(repr=False)
    name: str = "datalab"
    namespace: str = "datalab"

    @classmethod
    def read(cls, text: str, *, name: str, namespace: str) -> Release:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        objects = tuple(obj for obj in yaml.load_all(text, Loader=loader) if obj)
        return cls(text, objects, name, namespace)

    def of(self, *kinds: str) -> list[Object]:
        """Objects of these kinds."""
        return [obj for obj in self.objects if obj["kind"] in kinds]

    def one(self, kind: str, name: str) -> Object:
        """Return the object of a kind that is called ``<full name>-<name>``."""
        names = {obj["metadata"]["name"]: obj for obj in self.of(kind)}
        assert f"{self.fullname}-{name}" in names, f"{kind} {name} among {sorted(names)}"
        return names[f"{self.fullname}-{name}"]

    @cached_property
    def fullname(self) -> str:
        """First part of every name, as the settings' object has it."""
        names = (obj["metadata"]["name"] for obj in self.of("ConfigMap"))
        return next(name for name in names if name.endswith("-settings"))[: -len("-settings")]

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What the hub and the gateway read."""
        return dict(json.loads(self.one("ConfigMap", "settings")["data"]["settings.json"]))

    def namespace_of(self, obj: Object) -> str:
        """Return where an object goes."""
        return str(obj["metadata"].get("namespace", self.namespace))

    def templates(self) -> Iterator[tuple[Object, Object]]:
        """Every pod template (metadata and spec) with the object that holds it."""
        for obj in self.objects:
            if obj["kind"] == "Pod":
                yield obj, {"metadata": obj["metadata"], "spec": obj["spec"]}
            elif obj["kind"] in ("DaemonSet", "Deployment", "Job", "StatefulSet"):
                yield obj, obj["spec"]["template"]


def component(obj: Object) -> str:
    """Return an object's component, by its label."""
    return str(obj["metadata"].get("labels", {}).get("app.kubernetes.io/component", ""))


def label(obj: Object) -> str:
    """Name an object in a message."""
    return f"{obj['kind']}/{obj['metadata']['name']}"


def is_hook(obj: Object, event: str | None = None) -> bool:
    """Tell whether helm runs an object as a hook (of this event)."""
    events = obj["metadata"].get("annotations", {}).get("helm.sh/hook", "")
    return bool(events) and (event is None or event in events.split(","))


def containers(spec: Object, *, kinds: Sequence[str] = ("initContainers", "containers")) -> Any:
    """Every container of a pod."""
    return [container for kind in kinds for container in spec.get(kind) or []]

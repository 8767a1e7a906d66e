#!/usr/bin/env python3
"""Make tests/helm/data/kubernetes.json: what Kubernetes accepts, for the kinds our chart renders.

Taken from Kubernetes' own OpenAPI document and from the definitions that Gateway API and the
Prometheus operator publish, all three out of Go's module proxy. Descriptions go, objects become
closed, so an unknown field is an error (what kubeconform calls strict).

    python scripts/make_kubernetes_schema.py     # needs go; takes a minute with an empty cache
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import yaml

TARGET = Path(__file__).parent.parent / "tests/helm/data/kubernetes.json"
KUBERNETES = "k8s.io/kubernetes@v1.34.4"
KINDS = {
    "v1": "io.k8s.api.core.v1",
    "apiextensions.k8s.io/v1": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1",
    "apps/v1": "io.k8s.api.apps.v1",
    "batch/v1": "io.k8s.api.batch.v1",
    "networking.k8s.io/v1": "io.k8s.api.networking.v1",
    "policy/v1": "io.k8s.api.policy.v1",
    "rbac.authorization.k8s.io/v1": "io.k8s.api.rbac.v1",
    "scheduling.k8s.io/v1": "io.k8s.api.scheduling.v1",
}
NAMES = {
    "v1": (
        "ConfigMap",
        "Namespace",
        "PersistentVolumeClaim",
        "Pod",
        "Secret",
        "Service",
        "ServiceAccount",
    ),
    "apiextensions.k8s.io/v1": ("CustomResourceDefinition",),
    "apps/v1": ("DaemonSet", "Deployment"),
    "batch/v1": ("Job",),
    "networking.k8s.io/v1": ("Ingress", "NetworkPolicy"),
    "policy/v1": ("PodDisruptionBudget",),
    "rbac.authorization.k8s.io/v1": ("Role", "RoleBinding"),
    "scheduling.k8s.io/v1": ("PriorityClass",),
}
# Custom resources: module, file in it.
CUSTOM = (
    (
        "sigs.k8s.io/gateway-api@v1.6.3",
        "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
    ),
    *(
        (
            "github.com/prometheus-operator/prometheus-operator@v0.93.1",
            f"example/prometheus-operator-crd/monitoring.coreos.com_{kind}.yaml",
        )
        for kind in ("servicemonitors", "prometheusrules")
    ),
)
# Left out: words for people, and lists that only Kubernetes itself reads. Keywords that jsonschema
# does not know by these names are left out too.
DROPPED = ("description", "example", "examples", "title", "default", "externalDocs")


def module(name: str) -> Path:
    """Download a Go module and return its folder."""
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(
            ["go", "mod", "download", "-json", name],
            cwd=empty,
            capture_output=True,
            text=True,
            check=True,
        )
    return Path(json.loads(done.stdout)["Dir"])


def compact(schema: Any, *, names: bool = False) -> Any:
    """Drop words, close objects. `names`: the keys are names of properties, not keywords."""
    if isinstance(schema, list):
        return [compact(value) for value in schema]
    if not isinstance(schema, dict):
        return schema
    if names:
        return {name: compact(value) for name, value in schema.items()}
    if "x-kubernetes-int-or-string" in schema or schema.get("format") == "int-or-string":
        return {"type": ["integer", "string"]}
    kept = {
        key: compact(value, names=key in ("properties", "definitions"))
        for key, value in schema.items()
        if key not in DROPPED and key != "format" and not key.startswith("x-kubernetes-")
    }
    open_object = "x-kubernetes-preserve-unknown-fields" in schema
    if "properties" in kept and "additionalProperties" not in kept and not open_object:
        kept["additionalProperties"] = False
    return kept


def references(schema: Any) -> set[str]:
    """Names of the definitions that a schema refers to."""
    if isinstance(schema, list):
        return set().union(*map(references, schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    found = set().union(*map(references, schema.values())) if schema else set()
    target = schema.get("$ref")
    return found | ({target.rpartition("/")[2]} if isinstance(target, str) else set())


def core() -> tuple[dict[str, Any], dict[str, Any]]:
    """Kinds of Kubernetes itself: the index by apiVersion/kind, and the definitions."""
    document = json.loads((module(KUBERNETES) / "api/openapi-spec/swagger.json").read_text())
    source = document["definitions"]
    index = {
        f"{version}/{kind}": {"$ref": f"#/definitions/{KINDS[version]}.{kind}"}
        for version, kinds in NAMES.items()
        for kind in kinds
    }
    found: dict[str, Any] = {}
    wanted = references(index)
    while wanted:
        name = wanted.pop()
        found[name] = compact(source[name])
        wanted |= references(found[name]) - found.keys()
    # quantities may be numbers in a manifest, and int-or-string says "string" only
    found["io.k8s.apimachinery.pkg.api.resource.Quantity"] = {"type": ["string", "number"]}
    return index, found


def custom() -> dict[str, Any]:
    """Kinds of Gateway API and the Prometheus operator, in their stored version."""
    index = {}
    for name, path in CUSTOM:
        spec = yaml.safe_load((module(name) / path).read_text())["spec"]
        version = next(version for version in spec["versions"] if version["storage"])
        schema = compact(version["schema"]["openAPIV3Schema"])
        schema["properties"]["metadata"] = {
            "$ref": "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
        }
        index[f"{spec['group']}/{version['name']}/{spec['names']['kind']}"] = schema
    return index


def main() -> None:
    index, definitions = core()
    made = {
        "source": [KUBERNETES, *sorted({name for name, _ in CUSTOM})],
        "kinds": dict(sorted((index | custom()).items())),
        "definitions": dict(sorted(definitions.items())),
    }
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(made, separators=(",", ":"), ensure_ascii=False) + "\n")
    print(f"{TARGET}: {TARGET.stat().st_size / 1000:.0f} kB, {len(made['kinds'])} kinds")


if __name__ == "__main__":
    main()

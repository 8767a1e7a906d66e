"""Volumes that can be full: the dynamic ones have the whole disk."""

from __future__ import annotations

import json

from .kubectl import kubectl
from .places import Places
from .processes import run


def add(places: Places, name: str, *, size_mib: int, storage_class: str) -> None:
    """Offer a volume of so many megabytes to the first claim of that storage class.

    It claims to hold 100 GiB, so that a claim of any usual size takes it; it is made of memory.
    """
    folder = places.volumes / name
    folder.mkdir(parents=True)
    run(["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=0777", "tmpfs", str(folder)])
    kind = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": storage_class},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "Immediate",
    }
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "storageClassName": storage_class,
            "accessModes": ["ReadWriteOnce", "ReadWriteMany"],
            "capacity": {"storage": "100Gi"},
            "hostPath": {"path": str(folder)},
            "persistentVolumeReclaimPolicy": "Retain",
        },
    }
    listed = {"apiVersion": "v1", "kind": "List", "items": [kind, volume]}
    kubectl(places, "apply", "-f", "-", stdin=json.dumps(listed))

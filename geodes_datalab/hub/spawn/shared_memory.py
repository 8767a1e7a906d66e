"""Room in ``/dev/shm`` of pods, where processes share arrays: by itself a container gets 64 MB.

More than that ends a process by SIGBUS, without a word. A volume in memory takes its place. What lies in
it counts in the memory limit of the container; Kubernetes makes it no larger than that limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

NAME = "dev-shm"
"""Name of the volume and of its mount."""

PATH = "/dev/shm"  # noqa: S108  # of the pod
"""Where Python, Dask and PyTorch look for shared memory."""

MIB = 2**20


def volume(amount_gib: float) -> dict[str, Any]:
    """Return the volume, as Kubernetes wants it.

    Parameters
    ----------
    amount_gib
        How large it may become.

    Examples
    --------
    >>> volume(0.5)
    {'name': 'dev-shm', 'emptyDir': {'medium': 'Memory', 'sizeLimit': '512Mi'}}
    """
    size = max(round(amount_gib * 2**30 / MIB), 1)
    return {"name": NAME, "emptyDir": {"medium": "Memory", "sizeLimit": f"{size}Mi"}}


def mount() -> dict[str, Any]:
    """Return the mount, as Kubernetes wants it."""
    return {"name": NAME, "mountPath": PATH}


def wanted(amount_gib: float, taken: Iterable[str]) -> bool:
    """Whether a pod gets our volume.

    Parameters
    ----------
    amount_gib
        As set; 0: the 64 MB stay.
    taken
        Paths that the operator mounts anyway: two mounts at one path are refused.
    """
    return amount_gib > 0 and all(path.rstrip("/") != PATH for path in taken)

"""Stop and remove what belongs to the cluster, also after a crash, and tell what is left."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from . import cgroups, network, processes
from .outside import WORLDS
from .parts import NAMES
from .places import NETNS_FOLDER, NODE_NETNS, Places

NOTES = Path("/var/lib/cni/results")  # what the pod network's plugins keep about pods
NETNSES = [NODE_NETNS, *(world.netns for world in WORLDS.values())]
# Those that would start again what the others stop.
FIRST = ("kubelet", "provisioner", "kube-proxy")


def remove(places: Places) -> None:
    """Stop everything and remove it from the machine; the logs stay until another cluster starts."""
    processes.end(_known(places, FIRST), hard=True)
    stop_pods(places)
    processes.end(_known(places, NAMES), hard=True)
    everything = [number for name in NETNSES for number in processes.in_netns(name)]
    processes.end(everything, hard=True)
    unmount(places.state)
    network.remove(NETNSES)
    cgroups.remove(places.name)
    for note in NOTES.glob(f"{places.name}-*"):
        note.unlink()
    for path in places.state.iterdir() if places.state.is_dir() else ():
        if path != places.logs:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def stop_pods(places: Places) -> None:
    """Kill every process of every pod, and what containerd keeps beside each."""

    def nobody() -> bool:  # what ends may have started something at the last moment
        inside = list(cgroups.members(places.name))
        processes.end(inside, hard=True)
        return not inside

    processes.comes_true(nobody, "the end of the pods' processes")
    shims = [
        number
        for number in processes.in_netns(NODE_NETNS)
        if "containerd-shim" in processes.command_of(number)
    ]
    processes.end(shims, hard=True)


def forget_run(places: Places) -> None:
    """Remove what a machine that goes down would lose: containerd's view of what runs."""
    unmount(places.run / "containerd")
    shutil.rmtree(places.run / "containerd", ignore_errors=True)
    places.containerd_socket.unlink(missing_ok=True)


def unmount(folder: Path) -> None:
    """Unmount everything below a folder, the innermost first."""
    for mount in sorted(mounts(folder), reverse=True):
        subprocess.run(["umount", "-l", mount], capture_output=True)


def mounts(folder: Path) -> list[str]:
    """Mount points below a folder."""
    lines = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    points = [line.split()[1].encode().decode("unicode_escape") for line in lines]
    return [point for point in points if Path(point).is_relative_to(folder)]


def left(places: Places) -> list[str]:
    """What of the cluster is still on the machine, one line each; empty after `remove`."""
    found = [f"network namespace {name}" for name in NETNSES if (NETNS_FOLDER / name).exists()]
    found += [f"link {name}" for name in network.links()]
    found += [f"mount {point}" for point in mounts(places.state)]
    found += [f"control group {path}" for path in cgroups.roots(places.name)]
    found += [f"note {path}" for path in NOTES.glob(f"{places.name}-*")]
    for number in processes.owned(places):
        found.append(f"process {number}: {processes.command_of(number)[:100]}")
    return found


def _known(places: Places, names: tuple[str, ...]) -> list[int]:
    numbers = (processes.pid(places, name) for name in names)
    return [number for number in numbers if number is not None]

"""What lies beyond the cluster: network namespaces with the addresses that policies are about."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from support.waiting import eventually

from . import network, processes
from .places import NODE_NETNS, Places

GEODES_PORT = 8080


@dataclass(frozen=True)
class World:
    """A network beyond the cluster, with one machine on it.

    Parameters
    ----------
    name
        Also the host name ``<name>.test``, which the cluster's DNS knows.
    gateway, address
        Addresses of the node's end of the link and of the machine, with prefix.
    ports
        Ports on which its HTTP server answers.
    """

    name: str
    gateway: str
    address: str
    ports: tuple[int, ...] = (80, 443)

    @property
    def netns(self) -> str:
        return f"geodes-{self.name}"

    @property
    def host(self) -> str:
        """Its address, without prefix."""
        return self.address.split("/")[0]

    @property
    def url(self) -> str:
        return f"http://{self.host}"


WORLDS = {
    world.name: world
    for world in (
        World("internet", "203.0.113.1/24", "203.0.113.10/24"),
        World("metadata", "169.254.169.253/30", "169.254.169.254/30"),
        World("private", "10.99.0.1/24", "10.99.0.10/24"),
    )
}
PRIVATE = WORLDS["private"]
GEODES_URL = f"http://geodes.test:{GEODES_PORT}"
HOSTS = {f"{world.name}.test": world.host for world in WORLDS.values()} | {
    "geodes.test": PRIVATE.host
}


def create(places: Places) -> None:
    """Make the worlds and start their servers."""
    for world in WORLDS.values():
        network.attach(
            world.netns, link=f"to-{world.name}", gateway=world.gateway, address=world.address
        )
    start(places)


def start(places: Places) -> None:
    """Start the servers: one in each world, and the stand-in GEODES in the private network."""
    answers = str(Path(__file__).parent / "answers.py")
    for world in WORLDS.values():
        command = [sys.executable, answers, world.name, *map(str, world.ports)]
        processes.start(places, world.netns, processes.entered(world.netns, command), {})
    key = places.state / "geodes-api-key"
    stand_in = [
        *(sys.executable, "-m", "geodes_datalab.standin", "--control"),
        *("--host", PRIVATE.host, "--port", str(GEODES_PORT), "--public-url", GEODES_URL),
        *("--cache", str(places.cache.parent), "--api-key-file", str(key)),
    ]
    processes.start(places, "geodes", processes.entered(PRIVATE.netns, stand_in), {})


def wait(places: Places) -> None:
    """Wait until every server answers the node, which no policy hinders."""
    stand_in = f"http://{PRIVATE.host}:{GEODES_PORT}/api/stac"
    probe = [str(places.binary("probe")), "-timeout", "10s"]
    targets = [*(world.url for world in WORLDS.values()), stand_in]
    command = processes.entered(NODE_NETNS, [*probe, *targets])

    def all_answer() -> bool:
        return subprocess.run(command, capture_output=True).returncode == 0

    def scene() -> str:
        told = subprocess.run(command, capture_output=True, text=True).stdout
        logs = [world.netns for world in WORLDS.values()] + ["geodes"]
        return "\n".join([told, *(f"{name}: {processes.tail(places, name)}" for name in logs)])

    eventually(all_answer, "answers of the outside world", within=5, scene=scene)

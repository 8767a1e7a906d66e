"""The cluster's network namespace, its link to the machine, and what the policy engine sees."""

from __future__ import annotations

import socket
import subprocess

from support.waiting import minutes

from .places import (
    HOST_ADDRESS,
    HOST_LINK,
    NETNS_FOLDER,
    NODE_ADDRESS,
    NODE_NETNS,
    POD_RANGE,
    SERVICE_RANGE,
)
from .processes import entered, run

CHAIN = "GEODES-POLICY"
QUEUE = ["-j", "NFQUEUE", "--queue-num", "100"]
# The first packet of every new connection goes to the engine; replies and the node's own
# (kubelet's probes, the API server's calls) pass. The order is that of the engine's own rules,
# which are nftables rules that not every kernel takes.
RULES = [
    ["-A", "POSTROUTING", "-j", CHAIN],
    ["-A", CHAIN, "-o", "lo", "-j", "RETURN"],
    ["-A", CHAIN, "-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "RETURN"],
    ["-A", CHAIN, "-m", "owner", "--uid-owner", "0", "-j", "RETURN"],
    ["-A", CHAIN, *QUEUE],
    # Pods that talk to the node itself (API server, kubelet) pass INPUT, not POSTROUTING.
    ["-A", "INPUT", "-s", POD_RANGE, "-m", "conntrack", "--ctstate", "NEW", *QUEUE],
]
DNS_PASSES = [CHAIN, "-p", "udp", "--dport", "53", "-j", "RETURN"]


def create() -> None:
    """Make the node's namespace: its rules, routes and ports vanish with it."""
    run(["ip", "netns", "add", NODE_NETNS])
    run(
        [
            "ip",
            "link",
            "add",
            HOST_LINK,
            "type",
            "veth",
            "peer",
            "name",
            "node0",
            "netns",
            NODE_NETNS,
        ]
    )
    for command in (
        ["ip", "link", "set", "lo", "up"],
        ["ip", "addr", "add", f"{NODE_ADDRESS}/30", "dev", "node0"],
        ["ip", "link", "set", "node0", "up"],
        # The node's own packets to services and pods need a way before they are redirected.
        ["ip", "route", "add", SERVICE_RANGE, "dev", "node0"],
        ["ip", "route", "add", POD_RANGE, "dev", "node0"],
        ["sysctl", "-qw", "net.ipv4.ip_forward=1"],
    ):
        run(entered(NODE_NETNS, command))
    run(["ip", "addr", "add", f"{HOST_ADDRESS}/30", "dev", HOST_LINK])
    run(["ip", "link", "set", HOST_LINK, "up"])


def attach(netns: str, *, link: str, gateway: str, address: str) -> None:
    """Make a namespace that plays a network beyond the cluster, one hop from the node.

    Parameters
    ----------
    netns
        Its name.
    link
        Name of the link's end at the node.
    gateway, address
        The two ends' addresses, with prefix.
    """
    run(["ip", "netns", "add", netns])
    pair = ["type", "veth", "peer", "name", "eth0", "netns", netns]
    run(entered(NODE_NETNS, ["ip", "link", "add", link, *pair]))
    run(entered(NODE_NETNS, ["ip", "addr", "add", gateway, "dev", link]))
    run(entered(NODE_NETNS, ["ip", "link", "set", link, "up"]))
    for command in (
        ["ip", "link", "set", "lo", "up"],
        ["ip", "addr", "add", address, "dev", "eth0"],
        ["ip", "link", "set", "eth0", "up"],
        ["ip", "route", "add", "default", "via", gateway.split("/", maxsplit=1)[0]],
    ):
        run(entered(netns, command))


def police() -> None:
    """Send new connections to the policy engine; while it is down they are dropped."""
    _iptables("-N", CHAIN)
    for rule in RULES:
        _iptables(*rule)
    police_udp_dns(False)


def police_udp_dns(on: bool) -> None:
    """Switch whether name look-ups by UDP are subject to policies too.

    Off by default: under load some look-ups through the queue took 5 s (the cause is not known).
    """
    passes = _iptables("-C", *DNS_PASSES, check=False)
    if on and passes:
        _iptables("-D", *DNS_PASSES)
    elif not on and not passes:
        _iptables("-I", CHAIN, "4", *DNS_PASSES[1:])


def remove(names: list[str]) -> None:
    """Remove network namespaces and the machine's end of the link, as far as they are there."""
    for name in names:
        if (NETNS_FOLDER / name).exists():
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
    subprocess.run(["ip", "link", "del", HOST_LINK], capture_output=True)


def links() -> list[str]:
    """Names of the machine's network links that are ours."""
    told = run(["ip", "-o", "link"]).splitlines()
    names = [line.split(": ")[1].split("@")[0] for line in told]
    return [name for name in names if name == HOST_LINK]


def _iptables(*arguments: str, check: bool = True) -> bool:
    command = entered(NODE_NETNS, ["iptables", "-w", "10", "-t", "mangle", *arguments])
    if check:
        run(command)
        return True
    return subprocess.run(command, capture_output=True).returncode == 0


def listens(port: int) -> bool:
    """Whether something on the node takes connections on a port."""
    try:
        with socket.create_connection((NODE_ADDRESS, port), timeout=minutes(1)):
            return True
    except OSError:
        return False

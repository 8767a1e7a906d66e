"""Start, use and stop the test cluster from a shell: scripts/cluster VERB."""

from __future__ import annotations

import argparse
import os
import sys
import time

from .cluster import Cluster
from .errors import ClusterError


def main() -> int:
    """Run one verb; errors are told without a stack."""
    parser = argparse.ArgumentParser(prog="scripts/cluster", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("check", help="tell why the cluster cannot run here, if it cannot")
    verbs.add_parser("build", help="build the binaries that the cache lacks")
    verbs.add_parser("up", help="start the cluster (builds first); nothing when it runs")
    verbs.add_parser("down", help="stop it and remove all of it but the logs")
    verbs.add_parser("status", help="tell what runs")
    verbs.add_parser("load", help="bring images in").add_argument("images", nargs="+")
    verbs.add_parser("kubectl", help="run kubectl with the arguments that follow")
    verbs.add_parser("helm", help="run helm with the arguments that follow")
    verbs.add_parser("shell", help="open a shell with KUBECONFIG, kubectl and helm")
    os.chdir(os.environ.get("CLUSTER_FOLDER") or ".")
    cluster = Cluster(report=lambda line: print(f"cluster: {line}", file=sys.stderr, flush=True))
    if sys.argv[1:2] in (["kubectl"], ["helm"]):  # their arguments are theirs alone
        return _become(cluster, str(cluster.places.binary(sys.argv[1])), sys.argv[2:])
    options = parser.parse_args()
    try:
        return _run(cluster, options)
    except (ClusterError, AssertionError) as error:  # the second: a wait that was in vain
        print(f"error: {error}", file=sys.stderr)
        return 1


def _run(cluster: Cluster, options: argparse.Namespace) -> int:
    start = time.monotonic()
    match options.verb:
        case "check":
            if reason := cluster.why_not():
                raise ClusterError(reason)
            return 0
        case "build":
            cluster.build()
        case "up":
            cluster.up()
            print(f"export KUBECONFIG={cluster.kubeconfig}")
        case "down":
            cluster.down()
        case "status":
            return _status(cluster)
        case "load":
            for image in options.images:
                cluster.load(image)
        case "shell":
            return _become(cluster, os.environ.get("SHELL", "/bin/sh"), [])
    print(f"cluster: {options.verb} took {time.monotonic() - start:.1f} s", file=sys.stderr)
    return 0


def _status(cluster: Cluster) -> int:
    for name, runs in cluster.running().items():
        print(f"{name:20} {'runs' if runs else 'stopped'}")
    if not cluster.healthy():
        return 3
    print(cluster.kubectl("get", "nodes,pods", "--all-namespaces", "-o", "wide"))
    return 0


def _become(cluster: Cluster, program: str, arguments: list[str]) -> int:
    os.execvpe(program, [program, *arguments], cluster.environment())


if __name__ == "__main__":
    sys.exit(main())

"""A web proxy with a password and an identity provider, beyond the cluster, for a cluster whose way out it is.

As a program it serves both until it is ended, and prints what the proxy is asked for: the harness runs it
in a network of its own, and keeps what it prints.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[2]
HOST, PORT, CREDENTIALS = "sso.example.test", 3128, "site:w@rd"
"""Of the provider, which no name server knows; of the proxy."""


def values(address: str) -> dict[str, Any]:
    """Return the chart's values of a site with them (dotted keys).

    Parameters
    ----------
    address
        Of the machine beyond the cluster.
    """
    provider = f"http://{HOST}"
    return {
        "global.proxy.http": f"http://{CREDENTIALS.replace('w@', 'w%40')}@{address}:{PORT}",
        "networkPolicy.egress.proxy": {
            "for": ["hub", "user", "scheduler", "worker"],
            "cidrs": [f"{address}/32"],
            "ports": [PORT],
        },
        "auth.type": "oidc",
        "auth.oidc": {
            "authorizeUrl": f"{provider}/authorize",
            "tokenUrl": f"{provider}/token",
            "userdataUrl": f"{provider}/userinfo",
            "clientId": "datalab",
            "allowedGroups": ["eo"],
        },
    }


def serve(address: str) -> None:
    """Serve until somebody ends this process."""
    import threading

    from support.identity import Provider
    from support.web_proxy import WebProxy

    with Provider({"preferred_username": "ada", "groups": ["eo"]}) as provider:
        leads = {HOST: provider.port}
        with WebProxy(leads, CREDENTIALS, address, told=_tell, port=PORT):
            threading.Event().wait()


def _tell(method: str, target: str, credentials: str) -> None:
    sys.stdout.write(json.dumps([method, target, credentials]) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.path.insert(0, str(TESTS))
    serve(sys.argv[1])

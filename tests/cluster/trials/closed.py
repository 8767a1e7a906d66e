"""A site's server beyond the cluster, with TLS by an authority of its own, for every kind of client.

As a program (address, folder) it serves until it is ended; the authority's key comes in a file of the folder.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[2]
NAME, PORT = "closed-site", 9443
CERTIFICATE, KEY = "authority.pem", "authority.key"


def values(address: str, authority: str) -> dict[str, Any]:
    """Return the chart's values of a site with it (dotted keys).

    Parameters
    ----------
    address
        Of the machine beyond the cluster.
    authority
        Its certificate, as PEM.
    """
    way = {"for": ["user"], "cidrs": [f"{address}/32"], "ports": [PORT]}
    return {"global.caBundle.content": authority, f"networkPolicy.egress.{NAME}": way}


def serve(address: str, folder: Path) -> None:
    """Serve until somebody ends this process."""
    import threading

    import trustme
    from support.closed_site import ClosedSite

    authority = trustme.CA.from_pem(
        (folder / CERTIFICATE).read_bytes(), (folder / KEY).read_bytes()
    )
    files = folder / "files"
    files.mkdir()
    with ClosedSite(files, authority, (address, PORT)):
        sys.stdout.write("serves\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    sys.path.insert(0, str(TESTS))
    serve(sys.argv[1], Path(sys.argv[2]))

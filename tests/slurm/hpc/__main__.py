"""A login node by itself: Slurm, and our gateway on an address of its own, until its input ends.

``python -m hpc`` reads a line of JSON (address, hub, token, cert, key, ca), says ``ready``, and then
prints a line of JSON for each line of its input: the jobs, as ``squeue`` tells them.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hpc.centre import Centre, needed
from hpc.login import SERVICE, Login

HTTP, DASK = 8443, 8786
"""Ports of the login node, besides Slurm's on loopback."""


def main(wish: dict[str, Any]) -> None:
    """Run a centre in this process's network."""
    centre = Centre(Path(tempfile.mkdtemp(prefix="hpc-")), needed())
    try:
        centre.start()
        login = gateway(centre, wish)
        try:
            login.start()
            print("ready", flush=True)
            for _ in sys.stdin:
                print(json.dumps(centre.jobs()), flush=True)
        finally:
            login.stop()
    finally:
        centre.stop()


def gateway(centre: Centre, wish: dict[str, Any]) -> Login:
    """Install the gateway as its how-to says, with a certificate of its own."""
    address = wish["address"]
    files = {name: centre.root / f"login.{name}" for name in ("cert", "key", "ca")}
    for name, path in files.items():
        path.write_text(wish[name])
        shutil.chown(path, "dask")
        path.chmod(0o600 if name == "key" else 0o644)
    login = Login(
        centre,
        wish["hub"],
        slurm={"api_url": f"https://{address}:{HTTP}/services/{SERVICE}/api"},
        gateway={
            "proxy_address": f"{address}:{HTTP}",
            "scheduler_address": f"{address}:{DASK}",
            "tls": {"cert": str(files["cert"]), "key": str(files["key"])},
            "environment": {"SSL_CERT_FILE": str(files["ca"])},
            "reaper_seconds": 3,
        },
    )
    login.url, login.verify = f"https://{address}:{HTTP}/services/{SERVICE}", str(files["ca"])
    Path(login.values["gateway"]["token"]["file"]).write_text(wish["token"])
    login.install()
    return login


if __name__ == "__main__":
    main(json.loads(sys.stdin.readline()))

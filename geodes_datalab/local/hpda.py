"""The second Dask Gateway of local mode: jobs on the Slurm of this machine, a login node."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import shutil
import socket
import sys
from collections.abc import Mapping
from typing import Any

from geodes_datalab.errors import LocalModeError
from geodes_datalab.hub import Settings, load
from geodes_datalab.local import secrets
from geodes_datalab.local.child import Part
from geodes_datalab.local.layout import Layout
from geodes_datalab.local.ports import HOST, Ports
from geodes_datalab.settings import VARIABLE

SERVICE = "dask-gateway-hpda"
PROGRAMS = ("sbatch", "scancel", "squeue")
"""Slurm's, which must be on this machine."""

_KEPT_HERE = ("GEODES_API_KEY_FILE", "TMPDIR")
"""Variables that mean nothing to other accounts on other nodes; the key travels by itself."""


def values(layout: Layout, ports: Ports, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings' group ``hpda``: all jobs under this account, unless the operator differs.

    Parameters
    ----------
    layout
        State folder.
    ports
        Of this run.
    environment
        Variables of workers.
    """
    folder = layout.root / "hpda"
    return {
        "enabled": True,
        "service": SERVICE,
        "token": _secret(layout, "hpda-token"),
        "address": f"http://{HOST}:{ports.hpda_http}",
        "scheduler_address": f"{HOST}:{ports.hpda_scheduler}",
        "gateway": {
            "environment": {n: v for n, v in environment.items() if n not in _KEPT_HERE},
            "limits": {"clusters": 2, "workers": 0},
            "config": {"DBBackendBase": {"stop_clusters_on_shutdown": True}},
            "slurm": {
                "instance": _instance(layout),
                "launcher": "direct",
                "accounts": {"kind": "own"},
                "launcher_path": str(folder / "launcher"),
                "launcher_config": str(folder / "launcher.json"),
                "dask": [sys.executable, "-m", "dask"],
                **{name: path for name in PROGRAMS if (path := shutil.which(name))},
            },
        },
    }


def prepare(layout: Layout, ports: Ports, settings: Settings) -> None:
    """Write the gateway's own settings; without sudo, its launcher too.

    Parameters
    ----------
    layout
        State folder.
    ports
        Of this run.
    settings
        Of the hub; its group ``hpda`` describes the gateway.

    Raises
    ------
    ConfigurationError
        The operator's values for Slurm cannot be used.
    LocalModeError
        Slurm is not on this machine, or this process's number has no account.
    """
    from geodes_datalab.hub.gateway.slurm import site

    hpda = settings.hpda
    own = {
        "hub": settings.hub.model_dump(mode="json", exclude_none=True),
        "gateway": {
            **hpda.gateway,
            "kind": "slurm",
            "service": hpda.service,
            "token": _secret(layout, "hpda-token"),
            "proxy_token": _secret(layout, "hpda-proxy-token"),
            "encryption_key": _secret(layout, "hpda-encryption-key"),
            "database": f"sqlite:///{layout.hpda_database}",
            "api_address": f"{HOST}:{ports.hpda}",
            "proxy_address": f"{HOST}:{ports.hpda_http}",
            "scheduler_address": hpda.scheduler_address,
        },
    }
    loaded = load(own)
    _check_slurm(loaded)
    _check_account(loaded)
    layout.hpda_settings.write_text(json.dumps(own, indent=1), "utf-8")
    slurm = loaded.gateway.slurm
    if slurm is not None and slurm.launcher == "direct":
        slurm.launcher_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        site.write_launcher(
            slurm.launcher_path, config=slurm.launcher_config, python=sys.executable
        )
        site.write_config(slurm.launcher_config, loaded)


def _instance(layout: Layout) -> str:
    """Return a name that no other gateway on this Slurm has: it would end our jobs as strays."""
    place = f"{os.getuid()}@{socket.gethostname()}:{layout.root.resolve()}"
    return f"local-{hashlib.sha256(place.encode()).hexdigest()[:16]}"


def _check_account(settings: Settings) -> None:
    slurm, number = settings.gateway.slurm, os.getuid()
    try:
        pwd.getpwuid(number)
    except KeyError:
        if slurm is None or slurm.accounts.kind != "own":
            return
        raise LocalModeError(
            f"this process's number {number} has no account on this machine, so Slurm has nobody to "
            "run jobs for",
            hint="log in under an account of the centre; in a container, give the number an entry in "
            "/etc/passwd",
        ) from None


def _check_slurm(settings: Settings) -> None:
    slurm = settings.gateway.slurm
    named = {name: getattr(slurm, name) for name in PROGRAMS}
    missing = [str(path) for path in named.values() if not os.access(path, os.X_OK)]
    if missing:
        raise LocalModeError(
            f"--hpda slurm needs Slurm on this machine; there is no {', '.join(missing)}",
            hint="run it on a login node with Slurm's commands on the PATH (module load slurm), or "
            "leave --hpda out",
        )


def parts(layout: Layout, ports: Ports, base: Mapping[str, str], config: str) -> list[Part]:
    """Return the gateway's API and its proxy.

    Parameters
    ----------
    layout, ports
        Of this run.
    base
        Environment of all parts.
    config
        Path of Dask Gateway's configuration file.
    """
    named = {**base, VARIABLE: str(layout.hpda_settings)}
    python = (sys.executable, "-m", "dask_gateway_server")
    return [
        Part(
            "hpda",
            "Dask Gateway of the HPC",
            (*python, "-f", config),
            named,
            health=f"http://{HOST}:{ports.hpda}/api/health",
            grace=60.0,  # it cancels its jobs first
        ),
        Part(
            "hpda-proxy",
            "its proxy",
            (*python, "proxy", "-f", config),
            named,
            health=f"tcp://{HOST}:{ports.hpda_http}",
            after=("hpda",),
        ),
    ]


def _secret(layout: Layout, name: str) -> dict[str, str]:
    return {"file": str(secrets.path(layout, name))}

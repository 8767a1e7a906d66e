"""From an operator's wishes to settings and commands: what `up` will run."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geodes_datalab import _authorities, _proxies, auth
from geodes_datalab._language import mark
from geodes_datalab.config import configured_portal
from geodes_datalab.errors import LocalModeError
from geodes_datalab.hub import Settings, load
from geodes_datalab.hub.configure import check
from geodes_datalab.hub.steps.services import culler_command
from geodes_datalab.local import family, hpda, secrets, trust
from geodes_datalab.local.child import Part
from geodes_datalab.local.layout import Layout
from geodes_datalab.local.ports import HOST, Ports
from geodes_datalab.server.notebooks_sync import shipped
from geodes_datalab.server.start import threads
from geodes_datalab.settings import VARIABLE, read
from geodes_datalab.settings.base import spelled

NOTICE = mark("sample catalogue, not GEODES")
"""Shown wherever results of the sample catalogue are."""

_CONFIG = Path(__file__).parents[1] / "hub" / "files"
_PASSED = (
    *_authorities.VARIABLES,
    "SSL_CERT_DIR",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    *(name for n in ("HTTP", "HTTPS", "ALL") for name in (f"{n}_PROXY", f"{n.lower()}_proxy")),
)
"""Variables of the operator that user servers and workers take over."""


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for on the command line."""

    catalogue: str = "samples"
    """``samples``, ``geodes``, or the address of a STAC API."""
    api_key: auth.ApiKey | None = None
    """Of the real GEODES, where given."""
    settings: Path | None = None
    """File whose values go over the generated ones."""
    language: str = "en"
    hpda: str = ""
    """``slurm``: a second gateway, on the Slurm that this machine is a login node of."""


def make_settings(layout: Layout, ports: Ports, wishes: Wishes) -> Settings:
    """Return the hub's settings for this machine.

    Raises
    ------
    ConfigurationError
        The operator's settings file cannot be used.
    """
    values: dict[str, Any] = {
        "hub": _hub(layout, ports),
        **_doors(layout, ports),
        "spawner": {
            "homes": str(layout.homes),
            "logs": str(layout.logs),
        },
        "singleuser": {
            "environment": _user_environment(layout, ports, wishes),
            "start_timeout": 120,
            "notebooks": str(shipped() or "") or None,
            "allow_root": os.geteuid() == 0,
            "language": wishes.language,
        },
        "gateway": _gateway(layout, ports, wishes),
        **_housekeeping(layout),
    }
    if wishes.hpda:
        workers = _told() | catalogue_environment(layout, ports, wishes)
        values["hpda"] = hpda.values(layout, ports, workers)
    over = read(wishes.settings) if wishes.settings is not None else {}
    settings = load(merge(values, over))
    if over:
        check(settings)  # here, where the operator reads it, and not in the hub's log
    return settings


def _doors(layout: Layout, ports: Ports) -> dict[str, Any]:
    return {
        "proxy": {
            "api_url": f"http://{HOST}:{ports.proxy_api}",
            "token": _secret(layout, "proxy-token"),
        },
        "auth": {
            "password": _secret(layout, "password"),
            "admin_password": _secret(layout, "admin-password"),
            "admins": ["admin"],
        },
    }


def _housekeeping(layout: Layout) -> dict[str, Any]:
    return {
        "cull": {"token": _secret(layout, "culler-token")},
        "homes": {"metrics": {"enabled": True}},  # measured when somebody asks for metrics
    }


def parts(layout: Layout, ports: Ports, wishes: Wishes, chp: list[str]) -> list[Part]:
    """Return what to run, in the order of stopping (Dask clusters end with the first part)."""
    settings = load(layout.settings)
    base = common_environment(layout)
    named = base | {VARIABLE: str(layout.settings)}
    result = [_gateway_part(ports, named), _hub_part(ports, named)]
    if settings.cull.enabled:
        token = secrets.read(layout, "culler-token")
        command = tuple(culler_command(settings))
        result.append(
            Part(
                "culler",
                "idle culler",
                command,
                base | {"JUPYTERHUB_API_TOKEN": token},
                after=("hub",),
            )
        )
    if wishes.hpda:
        result[1:1] = hpda.parts(layout, ports, base, str(_CONFIG / "dask_gateway_config.py"))
    result += [_gateway_proxy_part(ports, named), _proxy_part(layout, ports, base, chp)]
    if wishes.catalogue == "samples":
        result.append(_catalogue_part(layout, ports, base))
    return result


def routes(ports: Ports) -> tuple[str, ...]:
    """Return addresses behind the proxies that must answer before the whole is ready."""
    return (
        f"http://{HOST}:{ports.public}/hub/health",
        f"http://{HOST}:{ports.gateway_http}/services/dask-gateway/api/health",
    )


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return the first mapping with the second one's values over it, at every depth.

    Examples
    --------
    >>> merge({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}})
    {'a': {'x': 1, 'y': 3}}
    >>> merge({"start_timeout": 1}, {"startTimeout": 2})
    {'start_timeout': 2}
    """
    result = dict(base)
    ours = {spelled(key): key for key in base if key.islower()}
    for written, value in over.items():
        key = ours.get(written, written)  # memoryGiB is memory_gib
        inner = result.get(key)
        both = isinstance(inner, Mapping) and isinstance(value, Mapping)
        result[key] = merge(inner, value) if both else value  # type: ignore[arg-type]
    return result


def write_settings(layout: Layout, settings: Settings) -> None:
    """Write the settings file that hub and gateway load."""
    text = json.dumps(settings.model_dump(mode="json", exclude_none=True), indent=1)
    layout.settings.write_text(text, "utf-8")


def prepare_key(layout: Layout, wishes: Wishes) -> None:
    """Put the catalogue's key into its file, for user servers (a new one for the samples)."""
    if wishes.catalogue == "samples":
        secrets.write(layout, "catalogue-key", secrets.token())
    elif wishes.catalogue == "geodes" and wishes.api_key is not None:
        secrets.write(layout, "catalogue-key", wishes.api_key.reveal())
    else:
        secrets.path(layout, "catalogue-key").unlink(missing_ok=True)


def describe(wishes: Wishes) -> str:
    """Say in words which catalogue users see."""
    if wishes.catalogue == "samples":
        return NOTICE
    if wishes.catalogue == "geodes":
        key = "with your key" if wishes.api_key else "without a key: search only"
        return f"GEODES ({key})"
    return wishes.catalogue


def catalogue_environment(layout: Layout, ports: Ports, wishes: Wishes) -> dict[str, str]:
    """Return the variables that tell user servers and workers which catalogue to use.

    Raises
    ------
    LocalModeError
        The catalogue is neither a known name nor an address.
    """
    key = {"GEODES_API_KEY_FILE": str(secrets.path(layout, "catalogue-key"))}
    if wishes.catalogue == "samples":
        portal = f"http://{HOST}:{ports.catalogue}"
        return key | {"GEODES_PORTAL": portal, "GEODES_CATALOGUE_NOTICE": NOTICE}
    if wishes.catalogue == "geodes":
        return {"GEODES_PORTAL": configured_portal()} | (key if wishes.api_key else {})
    if wishes.catalogue.startswith(("http://", "https://")):
        return {"GEODES_STAC_URL": wishes.catalogue, "GEODES_DIALECT": "stac"}
    raise LocalModeError(
        f"there is no catalogue {wishes.catalogue!r}",
        hint='use "samples", "geodes", or the address of a STAC API (https://...)',
    )


def common_environment(layout: Layout) -> dict[str, str]:
    """Return what every part gets over the operator's environment: no key, no proxy for loopback."""
    scripts = str(Path(sys.executable).parent)
    return {
        family.VARIABLE: layout.instance,
        "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "GEODES_API_KEY": "",  # travels in a 0600 file, not in six environments
        **_exempt(),
    }


def _hub(layout: Layout, ports: Ports) -> dict[str, Any]:
    return {
        "public_url": f"http://{HOST}:{ports.public}/",
        "bind_url": f"http://{HOST}:{ports.hub}",
        "db": {"url": f"sqlite:///{layout.hub_database}"},
        "cookie_secret": _secret(layout, "cookie-secret"),
    }


def _gateway(layout: Layout, ports: Ports, wishes: Wishes) -> dict[str, Any]:
    cpus = os.cpu_count() or 1
    return {
        "token": _secret(layout, "gateway-token"),
        "proxy_token": _secret(layout, "gateway-proxy-token"),
        "encryption_key": _secret(layout, "gateway-encryption-key"),
        "database": f"sqlite:///{layout.gateway_database}",
        "clusters_folder": str(layout.clusters),
        "api_address": f"{HOST}:{ports.gateway}",
        "proxy_address": f"{HOST}:{ports.gateway_http}",
        "scheduler_address": f"{HOST}:{ports.gateway_scheduler}",
        "workers": {"max_cores": max(2, cpus)},
        "limits": {"clusters": 2, "workers": max(8, cpus)},
        "environment": _passed(layout)
        | catalogue_environment(layout, ports, wishes)
        | scratch(layout),
    }


def _user_environment(layout: Layout, ports: Ports, wishes: Wishes) -> dict[str, str]:
    common = common_environment(layout)
    kept = {name: common[name] for name in (family.VARIABLE, "PATH")}
    result = kept | _passed(layout) | catalogue_environment(layout, ports, wishes) | scratch(layout)
    return result | threads(result)  # where the machine is a container itself


def scratch(layout: Layout) -> dict[str, str]:
    """Return where Dask keeps what does not fit into memory: a folder closed to other accounts.

    Dask imports modules from there, and takes a folder in ``/tmp`` that anybody may have made.
    """
    return {"DASK_TEMPORARY_DIRECTORY": str(layout.clusters)}


def _passed(layout: Layout) -> dict[str, str]:
    """Return what servers and workers of this machine take over, with authorities for every client."""
    return trust.completed(layout, _told())


def _told() -> dict[str, str]:
    return {name: os.environ[name] for name in _PASSED if os.environ.get(name)} | _exempt()


def _exempt() -> dict[str, str]:
    """Return the variables that exempt addresses from the proxies, this machine's own among them."""
    names = _proxies.exempt()
    told = ",".join([*names, *(n for n in (HOST, "localhost") if n not in names)])
    return {"NO_PROXY": told, "no_proxy": told}


def _secret(layout: Layout, name: str) -> dict[str, str]:
    return {"file": str(secrets.path(layout, name))}


def _gateway_part(ports: Ports, environment: dict[str, str]) -> Part:
    return Part(
        "gateway",
        "Dask Gateway",
        _python("dask_gateway_server", "-f", str(_CONFIG / "dask_gateway_config.py")),
        environment,
        health=f"http://{HOST}:{ports.gateway}/api/health",
        grace=30.0,  # it stops Dask clusters first
    )


def _gateway_proxy_part(ports: Ports, environment: dict[str, str]) -> Part:
    return Part(
        "gateway-proxy",
        "Dask Gateway's proxy",
        _python("dask_gateway_server", "proxy", "-f", str(_CONFIG / "dask_gateway_config.py")),
        environment,
        health=f"tcp://{HOST}:{ports.gateway_http}",
        after=("gateway",),
    )


def _hub_part(ports: Ports, environment: dict[str, str]) -> Part:
    return Part(
        "hub",
        "JupyterHub",
        _python("jupyterhub", "-f", str(_CONFIG / "jupyterhub_config.py")),
        environment,
        health=f"http://{HOST}:{ports.hub}/hub/health",
        after=("proxy",),
    )


def _proxy_part(layout: Layout, ports: Ports, base: dict[str, str], chp: list[str]) -> Part:
    return Part(
        "proxy",
        "the hub's proxy",
        (
            *chp,
            *("--ip", HOST, "--port", str(ports.public)),
            *("--api-ip", HOST, "--api-port", str(ports.proxy_api)),
            *("--error-target", f"http://{HOST}:{ports.hub}/hub/error"),
            *("--log-level", "info"),
        ),
        base | {"CONFIGPROXY_AUTH_TOKEN": secrets.read(layout, "proxy-token")},
        health=f"http://{HOST}:{ports.public}/_chp_healthz",
    )


def _catalogue_part(layout: Layout, ports: Ports, base: dict[str, str]) -> Part:
    from geodes_datalab.config import load as load_config

    portal = f"http://{HOST}:{ports.catalogue}"
    return Part(
        "catalogue",
        "the sample catalogue",
        _python(
            "geodes_datalab.standin",
            *("--host", HOST, "--port", str(ports.catalogue), "--public-url", portal),
            *("--cache", str(Path(load_config().cache_dir) / "samples")),
            *("--api-key-file", str(secrets.path(layout, "catalogue-key"))),
        ),
        base,
        health=f"{portal}/api/stac",
        patience=300.0,  # packs its archives at the first start
    )


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)

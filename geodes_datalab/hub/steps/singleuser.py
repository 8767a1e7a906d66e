"""What the server of a user is told: arguments, environment, first page."""

from __future__ import annotations

import json
from pathlib import Path

from geodes_datalab import server
from geodes_datalab._authorities import FSSPEC
from geodes_datalab.hub.pods import variables_of_servers
from geodes_datalab.hub.steps import homes
from geodes_datalab.server.home_usage import VARIABLE as HOME_USAGE
from geodes_datalab.settings import Settings
from geodes_datalab.settings.gateway import Gateway

LAB = Path(server.__file__).parent / "lab"
"""Jupyter configuration folder shipped with the package: Lab settings, extensions switched off."""

TLS_GUARD = "geodes_datalab.compute.tls"
"""Module that Dask preloads against a defect of Python with OpenSSL >= 3.4."""

IDLENESS = "geodes_datalab.compute.idleness"
"""Module that schedulers preload, before Dask Gateway's: waiting for workers is no idleness."""

RECONNECTING = "geodes_datalab.compute.reconnecting"
"""Module that Dask's clients preload: one that loses its scheduler for a moment does not wait for ever."""

ADDRESSES = "geodes_datalab.compute.addresses"
"""Module that Dask's clients preload: addresses of gateways' clusters bring their certificates."""

SIGNING = "geodes_datalab.compute.signing.HubAuth"
"""How Dask Gateway's client signs in: by the hub's token, guarded against its own finalizers."""

_PRELOAD = json.dumps([TLS_GUARD])
_IMAGE = "{JUPYTER_IMAGE_SPEC}"  # the client fills it in: clusters run the image of their notebook


def default_url(settings: Settings) -> str:
    """Return the first page: as set, or the notebooks' index in the Lab's language, or the Lab."""
    user = settings.singleuser
    if user.default_url:
        return user.default_url
    indexes = ["README.md"]
    if user.language != "en":
        indexes.insert(0, f"README.{user.language}.md")
    if user.notebooks is not None:
        indexes = [name for name in indexes if (user.notebooks / name).is_file()]
    elif settings.spawner.kind != "kubernetes" or not user.notebooks_folder:
        indexes = []  # on Kubernetes the image has them
    return f"/lab/tree/{user.notebooks_folder}/{indexes[0]}" if indexes else "/lab"


def arguments(settings: Settings) -> list[str]:
    """Return arguments of ``jupyterhub-singleuser``; unlike files, users cannot override them."""
    hosts = sorted({"127.0.0.1", "localhost", gateway_host(settings)})
    result = [
        "--ServerApp.allow_unauthenticated_access=False",
        f"--ServerProxy.host_allowlist={hosts!r}",
    ]
    return [*result, "--allow-root"] if settings.singleuser.allow_root else result


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment of user servers, as literal text and without a secret in it."""
    return {
        **_lab(settings),
        **activity(settings),
        HOME_USAGE: homes.variable(settings),
        "EODAG_EXT_COLLECTIONS_CFG_FILE": "",  # else: an error dialog at start when offline
        "EODAG_PROVIDERS_WHITELIST": '["geodes"]',
        "DASK_DISTRIBUTED__CLIENT__PRELOAD": _client_preload(settings),
        **FSSPEC,
        "DASK_LOGGING": '{"distributed.preloading": "warning"}',  # else: red lines in notebooks
        **(_gateway(settings) if settings.gateway.enabled else {}),
        **(_hpda(settings) if settings.hpda.enabled else {}),
        **variables_of_servers(settings),
    }


def activity(settings: Settings) -> dict[str, str]:
    """Return what a server must know to tell work from idleness, and idleness from its end."""
    hub, cull = settings.hub, settings.cull
    told = {"GEODES_DATALAB_BUSY_HOURS": f"{cull.busy_max_age / 3600:g}"}
    seconds = float(hub.last_activity_interval)
    if cull.enabled:
        seconds = max(min(seconds, cull.timeout / 4), 1)  # told before it is looked at
        told["GEODES_DATALAB_CULL_MINUTES"] = f"{cull.timeout / 60:g}"
    return {**told, "JUPYTERHUB_ACTIVITY_INTERVAL": f"{round(seconds)}"}


def dask_environment() -> dict[str, str]:
    """Return what workers need of the same (schedulers get it by argument)."""
    return {
        **FSSPEC,
        "DASK_DISTRIBUTED__NANNY__PRELOAD": _PRELOAD,
        "DASK_DISTRIBUTED__WORKER__PRELOAD": _PRELOAD,
    }


def scheduler_words() -> list[str]:
    """Return arguments of ``dask`` that start the scheduler of a gateway."""
    return ["scheduler", "--preload", TLS_GUARD, "--preload", IDLENESS]


def gateway_host(settings: Settings) -> str:
    """Return the host name of the gateway's proxy, as user servers see it."""
    return settings.gateway.proxy_address.rpartition(":")[0]


def _client_preload(settings: Settings) -> str:
    gateways = settings.gateway.enabled or settings.hpda.enabled
    return json.dumps([TLS_GUARD, RECONNECTING, *([ADDRESSES] if gateways else [])])


def _hpda(settings: Settings) -> dict[str, str]:
    hpda = settings.hpda
    address = f"{hpda.address.rstrip('/')}/services/{hpda.service}"
    return {
        "DASK_GATEWAY_HPDA__ADDRESS": address,
        "DASK_GATEWAY_HPDA__PROXY_ADDRESS": f"gateway://{hpda.scheduler_address}",
        "DASK_LABEXTENSION__FACTORY__MODULE": "geodes_datalab.compute.panel.factory",
        "DASK_LABEXTENSION__FACTORY__CLASS": "cluster",
        **({"SSL_CERT_FILE": hpda.ca} if hpda.ca else {}),
    }


def _lab(settings: Settings) -> dict[str, str]:
    """Name the Lab's settings: a folder here; on Kubernetes the image knows its own."""
    language = settings.singleuser.language
    if settings.spawner.kind == "kubernetes":
        return {
            "GEODES_DATALAB_LANGUAGE": language,
            "GEODES_DATALAB_NOTEBOOKS_FOLDER": settings.singleuser.notebooks_folder,
        }
    french = [LAB.with_name("lab_fr")] if language == "fr" else []
    return {
        "GEODES_DATALAB_LANGUAGE": language,
        "JUPYTER_CONFIG_PATH": ":".join(str(folder) for folder in [*french, LAB]),
        "JUPYTER_PATH": str(LAB / "data"),  # our own module for the browser
    }


def _gateway(settings: Settings) -> dict[str, str]:
    gateway = settings.gateway
    path = f"{gateway.proxy_address}/services/{gateway.service}"
    return {
        "DASK_GATEWAY__ADDRESS": f"http://{path}",
        "DASK_GATEWAY__PROXY_ADDRESS": f"gateway://{gateway.scheduler_address}",
        "DASK_GATEWAY__PUBLIC_ADDRESS": f"{{JUPYTERHUB_SERVICE_PREFIX}}proxy/{path}",
        "DASK_GATEWAY__AUTH__TYPE": SIGNING,
        "DASK_GATEWAY__HTTP_CLIENT__PROXY": "False",  # it is inside; the client ignores NO_PROXY
        "DASK_LABEXTENSION__FACTORY__MODULE": "dask_gateway",
        "DASK_LABEXTENSION__FACTORY__CLASS": "GatewayCluster",
        "DASK_LABEXTENSION__DEFAULT__WORKERS": str(_workers_of_the_panel(gateway)),
        **(
            {"DASK_GATEWAY__CLUSTER__OPTIONS__IMAGE": _IMAGE}
            if gateway.kind == "kubernetes"
            else {}
        ),
    }


def _workers_of_the_panel(gateway: Gateway) -> int:
    """Return how many workers the panel's ``+ NEW`` asks for: without any, a cluster computes nothing."""
    most = [limit for limit in (gateway.limits.workers, gateway.cluster_max_workers) if limit]
    return min([2, *most])

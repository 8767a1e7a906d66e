"""Reach the Dask Gateways that are named here, and say in words what goes wrong there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from geodes_datalab._proxies import proxy_for
from geodes_datalab.compute import finalizers, links
from geodes_datalab.errors import ClusterError, GatewayAway

SECTIONS = {"gateway": "gateway", "hpda": "gateway-hpda"}
"""Where Dask's configuration describes a gateway, by its kind."""

_PROXY = "gateway.http-client.proxy"

_LOOK = "look at the DASK_GATEWAY... variables; behind the hub they are set for you"
_LATER = "try again in a minute; if it stays, tell your operator"
_SIGN_IN = "restart your server from the hub's control panel, which renews its token"

_NO_ROUTES = ("Not Found\n", "404 page not found\n")
"""What proxies (Dask Gateway's own, Traefik) answer until the gateway has told them its routes; the
gateway's own answers end with no line break."""


def named() -> list[str]:
    """Return the gateways that are set, by their kinds.

    They stand in Dask's configuration or in the environment: ``DASK_GATEWAY__ADDRESS``, and
    ``DASK_GATEWAY_HPDA__ADDRESS`` for that of an HPC centre.
    """
    import dask

    return [kind for kind, place in SECTIONS.items() if dask.config.get(f"{place}.address", None)]


def open_gateway(kind: str = "gateway") -> Any:
    """Return a `dask_gateway.Gateway` from Dask's settings; the caller closes it.

    Parameters
    ----------
    kind
        Which: ``gateway`` or ``hpda``.

    Raises
    ------
    ClusterError
        The settings do not make sense.
    """
    finalizers.install()
    return client(kind)


def client(kind: str, *, asynchronous: bool = False) -> Any:
    """Return a `dask_gateway.Gateway` from Dask's settings, to be used or to be awaited.

    Parameters
    ----------
    kind
        Which: ``gateway`` or ``hpda``.
    asynchronous
        Whether its methods are awaited, on the running event loop.

    Raises
    ------
    ClusterError
        The settings do not make sense.
    """
    from dask_gateway import Gateway

    address, arguments = parameters(kind)
    try:
        with way_to(address):
            return Gateway(asynchronous=asynchronous, **arguments)
    except (ValueError, TypeError, KeyError, ImportError) as error:
        raise ClusterError(
            f"the settings of the Dask Gateway {address} do not work: {error}",
            hint=_LOOK,
        ) from error


@contextmanager
def way_to(address: str) -> Iterator[None]:
    """Let a `dask_gateway.Gateway` that is made meanwhile ask through the proxy that is meant for it.

    Left alone it takes ``HTTP_PROXY`` and ``HTTPS_PROXY`` for every gateway, whatever ``NO_PROXY`` says.

    Parameters
    ----------
    address
        The gateway's.
    """
    import dask

    if dask.config.get(_PROXY, True) is not True:  # the site has decided
        yield
        return
    with dask.config.set({_PROXY: proxy_for(address) or False}):
        yield


def parameters(kind: str) -> tuple[str, dict[str, Any]]:
    """Return a gateway's address, and the arguments of `dask_gateway.Gateway` for it.

    Parameters
    ----------
    kind
        Which: ``gateway`` or ``hpda``.

    Raises
    ------
    ClusterError
        None is named.
    """
    import dask

    place = SECTIONS[kind]
    address = dask.config.get(f"{place}.address", None)
    if not address:
        raise ClusterError(
            "no HPC centre is named here" if kind == "hpda" else "no Dask Gateway is named here",
            hint=f'set {_variable(place)}, or use backend="local"',
        )
    set_by_site = dask.config.get(f"{place}.public-address", None)
    if kind == "gateway":  # dask_gateway reads the rest of this section by itself
        public = None if set_by_site else links.public_address(address)
        return address, {"public_address": public}
    return address, {
        "address": address,
        "proxy_address": dask.config.get(f"{place}.proxy-address", None),
        "public_address": _filled(set_by_site) or links.hpda_address(),
        "auth": dask.config.get(f"{place}.auth", "jupyterhub"),
    }


def stop(gateway: Any, name: str) -> None:
    """Stop a cluster of a gateway; one that has ended already is no error."""
    with suppress(ValueError), translated(gateway.address):  # ValueError: no such cluster any more
        gateway.stop_cluster(name)


@contextmanager
def translated(address: str) -> Iterator[None]:
    """Turn what dask_gateway raises into errors that say what to do."""
    import aiohttp
    from dask_gateway import GatewayClusterError, GatewayServerError

    try:
        yield
    except aiohttp.ClientResponseError as error:
        kind = GatewayAway if error.status in (502, 503, 504) else ClusterError
        raise kind(
            f"the Dask Gateway {address} refused: HTTP {error.status} {error.message}",
            hint=_SIGN_IN if error.status in (401, 403) else _LATER,
        ) from error
    except (aiohttp.ClientError, OSError) as error:
        raise GatewayAway(
            f"the Dask Gateway {address} cannot be reached: {error}",
            hint='try again in a minute, tell your operator, or use backend="local"',
        ) from error
    except ValueError as error:
        if str(error) not in _NO_ROUTES:
            raise
        raise GatewayAway(f"the Dask Gateway {address} is starting", hint=_LATER) from error
    except GatewayServerError as error:
        hint = _SIGN_IN if "token" in str(error) else _LATER
        raise ClusterError(f"the Dask Gateway failed: {error}", hint=hint) from error
    except GatewayClusterError as error:
        raise ClusterError(
            f"the Dask Gateway could not start the cluster: {error}",
            hint="try again, with smaller workers if you set their size; the gateway's log has the cause",
        ) from error


def _variable(place: str) -> str:
    return f"DASK_{place.upper().replace('-', '_')}__ADDRESS"


def _filled(template: str | None) -> str | None:
    """Return a template with the environment's variables, as dask_gateway fills its own."""
    try:
        return template.format(**os.environ) if template else None
    except (KeyError, ValueError, IndexError) as error:
        raise ClusterError(
            f"the gateway's public address {template!r} cannot be filled in: {error}",
            hint=_LOOK,
        ) from error

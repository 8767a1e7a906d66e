"""Let ``Client("gateway://...")`` find the certificate of the user's own cluster.

The code that the Lab's Dask panel writes into a notebook knows a cluster's address only; Dask Gateway
wants its certificate too, which the gateway tells the cluster's owner. User servers name this module in
``DASK_DISTRIBUTED__CLIENT__PRELOAD``. To import it is to register it: Dask calls a preload's setup when
its client has connected, which is too late.
"""

from __future__ import annotations

from typing import Any

from dask_gateway import comm
from distributed.comm.registry import backends

from geodes_datalab.compute import access
from geodes_datalab.errors import ClusterError

_found: dict[str, dict[str, Any]] = {}


class Connector(comm.GatewayConnector):  # type: ignore[misc]
    """Asks the gateways for a cluster's certificate where the caller brings none."""

    async def connect(self, address: str, deserialize: bool = True, **more: Any) -> Any:
        """Connect to a cluster's scheduler.

        Raises
        ------
        ClusterError
            No gateway knows such a cluster of this user.
        """
        if more.get("ssl_context") is None:
            more |= await credentials(address)
        return await super().connect(address, deserialize, **more)


class Backend(comm.GatewayBackend):  # type: ignore[misc]
    """Dask Gateway's own, with our connector."""

    def get_connector(self) -> Connector:
        """Return what connects."""
        return Connector()


async def credentials(address: str) -> dict[str, Any]:
    """Return the arguments of a connection to one of the user's clusters.

    Parameters
    ----------
    address
        ``host:port/name``.

    Raises
    ------
    ClusterError
        No gateway knows such a cluster of this user, or none answers.
    """
    name = comm.parse_gateway_address(address)[2]
    if name not in _found:
        _found[name] = await _ask(name)
    return _found[name]


async def _ask(name: str) -> dict[str, Any]:
    error: ClusterError | None = None
    for kind in access.named():
        opened = access.client(kind, asynchronous=True)
        try:
            with access.translated(opened.address):
                report = await opened.get_cluster(name)
            if report.security is not None:
                return dict(report.security.get_connection_args("client"))
        except ValueError:  # another gateway's cluster
            continue
        except ClusterError as away:
            error = error or away
        finally:
            await opened.close()
    raise error or ClusterError(
        f"no running cluster of yours is called {name}",
        hint="geodes_datalab.clusters() lists them",
    )


backends["gateway"] = Backend()

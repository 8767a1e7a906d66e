"""Dask Gateway on Kubernetes: namespaced rights only, no Traefik, one custom resource.

Three pods, each with its own three-line configuration (``geodes_datalab/hub/files``), all of them
reading the one settings file that ``GEODES_DATALAB_SETTINGS`` names:

``gateway-api`` (port 8000; probe ``GET /api/health``, metrics ``GET /metrics``)::

    dask-gateway-server --config dask_gateway_config.py

    Secrets: ``gateway.token``, ``gateway.proxy_token``, and ``hub.monitoring_token`` where it is set.
    Rights: daskclusters create, list, watch, patch; secrets get.

``gateway-controller`` (port 8000; probe by TCP connection)::

    python -m geodes_datalab.hub.gateway.kubernetes.controller --config dask_gateway_controller_config.py

    Secrets: none.
    Rights: daskclusters list, watch, delete; daskclusters/status patch; pods list, watch, create,
    delete; endpoints list, watch; secrets create, delete; services create.

``gateway-proxy`` (port 8000 HTTP, 8786 TCP; probe both by TCP connection)::

    dask-gateway-server proxy --config dask_gateway_proxy_config.py

    Secrets: ``gateway.proxy_token``. Rights: none. The command becomes the Go program (``exec``).

An administrator ends all clusters, or those of some users, inside the pod ``gateway-api``::

    python -m geodes_datalab.hub.gateway.stop_all [--user NAME]... [--list]

The proxy asks the API for its routes by itself and then waits for changes, so a replaced proxy has all
of them within seconds; the API makes them from the DaskCluster objects, so it may be replaced as well.
Why a pod waits is read from the pod's own status and from the answers to its creation; events are not
needed, so there is no right on them.
"""

from __future__ import annotations

from geodes_datalab.hub.gateway.kubernetes.settings import apply_controller

__all__ = ["apply_controller"]

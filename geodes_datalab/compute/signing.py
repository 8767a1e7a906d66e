"""Sign in at the hub's Dask Gateway, also where `dask_gateway` is used without this package's verbs.

Notebooks from elsewhere make a ``dask_gateway.Gateway`` of their own. Its finalizers can hang the kernel
(see `geodes_datalab.compute.finalizers`): user servers name `HubAuth` in ``DASK_GATEWAY__AUTH__TYPE``, and
every ``Gateway`` makes one before it can be dropped.
"""

from __future__ import annotations

from typing import Any

from dask_gateway.auth import JupyterHubAuth

from geodes_datalab.compute import finalizers


class HubAuth(JupyterHubAuth):  # type: ignore[misc]  # dask_gateway has no types
    """Dask Gateway's own way with the hub's token, in a process that is guarded."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        finalizers.install()

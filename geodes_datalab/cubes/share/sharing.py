"""How the API key reaches Dask workers: by a plugin, never by a task graph.

`geodes_datalab.cubes.load` calls `share`, which registers a `worker.CredentialsPlugin` with the
active Dask client, once. Dask sends it to the scheduler, which keeps it and hands it to each worker,
also to those that join later. It is part of no task, and its ``repr`` shows nothing. Use a cluster
whose connections are encrypted (Dask Gateway's are) when the scheduler runs on another machine.
"""

from __future__ import annotations

import hashlib
import sys
from typing import Any
from weakref import WeakKeyDictionary

from geodes_datalab import auth, config
from geodes_datalab.cubes.share.credentials import NAME

_registered: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def share(current: config.Config) -> bool:
    """Give key and settings to the workers of the active Dask client, if there is one.

    ``distributed`` is not imported for this: where nobody did, there is no client. Calling it again
    does nothing, unless the key or the settings changed.

    Returns
    -------
    bool
        Whether there is a client.
    """
    client = _active_client()
    if client is None:
        return False
    key = auth.api_key(portal=current.portal)
    token = _fingerprint(key, current)
    if _registered.get(client) != token:
        from geodes_datalab.cubes.share.worker import CredentialsPlugin

        client.register_plugin(CredentialsPlugin(key, current), name=NAME)
        _registered[client] = token
    return True


def _active_client() -> Any:
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        client = distributed.default_client()
    except ValueError:
        return None
    return client if client.status == "running" and not client.asynchronous else None


def _fingerprint(key: auth.ApiKey | None, current: config.Config) -> str:
    text = f"{key.reveal() if key else ''}|{current}"
    return hashlib.sha256(text.encode()).hexdigest()

"""Which classes and traits `hub.config` and `gateway.config` may name, for files/traits.json.

Read from the very classes that run in the platform image, so a new release of them needs no more
than `make chart`. In the file:

    hub, gateway   class -> {"of": the classes it is derived from, "traits": its own, with spaces}
    kinds          every spelling of auth.type -> its class
    site           those whose accounts the site gives out, so that auth.allowAll may open them
    elsewhere      what there is not (a name, or the module of one) -> what to do
    local          what to do instead of `local-...`
    groups         classes that know by themselves where a provider tells groups
    gone           class -> trait that only stops the hub -> what took its place
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from traitlets.config import Configurable
from traitlets.utils.importstring import import_item

from geodes_datalab.hub.traits import PARTS, gone
from geodes_datalab.settings import kinds

HUB = (
    "jupyterhub.app.JupyterHub",
    *PARTS,
    "geodes_datalab.hub.spawn.kubernetes.DatalabKubeSpawner",
    "geodes_datalab.hub.proxy.WatchedProxy",
    "geodes_datalab.hub.login.doors.Doors",
)
GATEWAY = (
    "dask_gateway_server.app.DaskGateway",
    "dask_gateway_server.backends.kubernetes.KubeClusterConfig",
    "dask_gateway_server.proxy.Proxy",
    "geodes_datalab.hub.gateway.authenticator.HubAuthenticator",
    "geodes_datalab.hub.gateway.kubernetes.backend.KubernetesBackend",
    "geodes_datalab.hub.gateway.kubernetes.controller.KubernetesController",
)


def traits() -> dict[str, Any]:
    """Return the content of files/traits.json."""
    offered = [kind for kind in kinds.KINDS if not kind.machine]
    authenticators = [import_item(kind.path) for kind in offered]
    return {
        "hub": _described([*map(import_item, HUB), *authenticators]),
        "gateway": _described(map(import_item, GATEWAY)),
        "kinds": {word: kind.class_name for word, kind in sorted(spellings().items())},
        "site": sorted(word for word, kind in spellings().items() if kind.site),
        "elsewhere": kinds.ELSEWHERE | _machine(),
        "local": kinds.LOCAL,
        "groups": sorted({cls.__name__ for cls in authenticators if _tells_groups(cls)}),
        "gone": {cls.__name__: found for cls in authenticators if (found := gone(cls))},
    }


def spellings() -> dict[str, kinds.Kind]:
    """Return every word that stands for a way to log in on Kubernetes."""
    return {word: kind for word, kind in _found() if not kind.machine}


def _machine() -> dict[str, str]:
    return {word: kinds.MACHINE for word, kind in _found() if kind.machine}


def _found() -> Iterable[tuple[str, kinds.Kind]]:
    for word in (*(w for kind in kinds.KINDS for w in (kind.name, kind.path)), *kinds.SAME):
        if not any(word.startswith(f"{other}.") for other in kinds.ELSEWHERE):
            yield word, kinds.find(word)


def _described(classes: Iterable[Any]) -> dict[str, Any]:
    every = {base for cls in classes for base in cls.__mro__ if issubclass(base, Configurable)}
    return {
        cls.__name__: {
            "of": [base.__name__ for base in cls.__mro__[1:] if issubclass(base, Configurable)],
            "traits": " ".join(sorted(vars(cls).keys() & cls.class_traits(config=True))),
        }
        for cls in sorted(every, key=lambda cls: cls.__name__)
    }


def _tells_groups(cls: Any) -> bool:
    return any("_auth_state_groups_key_default" in vars(base) for base in cls.__mro__)

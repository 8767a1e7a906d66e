"""Pods of the real spawner, without a hub and without a cluster."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from kubernetes_asyncio.client import ApiClient
from traitlets.config import Config

from geodes_datalab.hub import apply, load

CONTEXT = {
    "runAsNonRoot": True,
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""What every container must have, at least."""


def traits(values: dict[str, Any]) -> Config:
    c = Config()
    apply(load(values), c)
    return c


def person(
    values: dict[str, Any],
    *,
    name: str = "ada",
    server: str = "",
    groups: tuple[str, ...] = (),
    admin: bool = False,
) -> Any:
    """The spawner of a user; the hub's and the user's objects are those of KubeSpawner's own tests."""
    from geodes_datalab.hub.spawn.kubernetes import DatalabKubeSpawner

    user = SimpleNamespace(
        name=name,
        id=1,
        url=f"/user/{name}/",
        admin=admin,
        groups=[SimpleNamespace(name=group) for group in groups],
    )
    hub = SimpleNamespace(
        public_host="",
        url="http://hub:8081/hub/",
        base_url="/hub/",
        api_url="http://hub:8081/hub/api",
    )
    orm = SimpleNamespace(
        name=server, display_name=server, user_options=None, user=None, server=None, state=None
    )
    return DatalabKubeSpawner(
        config=traits(values), user=user, hub=hub, orm_spawner=orm, api_token="", oauth_client_id=""
    )


def pod_of(
    values: dict[str, Any], options: dict[str, Any] | None = None, **who: Any
) -> dict[str, Any]:
    """The pod that is made for a user with these choices, as Kubernetes gets it."""

    async def make() -> dict[str, Any]:
        spawner = person(values, **who)
        spawner.user_options = options or {}
        await spawner.load_user_options()
        pod = await spawner.get_pod_manifest()
        async with ApiClient() as client:
            found: dict[str, Any] = client.sanitize_for_serialization(pod)
        return found

    return asyncio.run(make())

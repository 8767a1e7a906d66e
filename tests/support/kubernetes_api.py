"""A small Kubernetes API in memory: as much as Dask Gateway's API and controller ask of one.

Lists, watches (with label selectors and resource versions), creates, deletes and patches objects of one
namespace, collects what belongs to a deleted owner, and refuses every cluster-wide request, as a Role
would. It starts no container: tests say what becomes of the pods.
"""

from __future__ import annotations

import asyncio
import copy
import json
import ssl
import threading
import uuid
from collections.abc import Callable
from typing import Any, Self

import trustme
from aiohttp import web
from support.waiting import minutes

Object = dict[str, Any]
CORE = "/api/v1/namespaces/{namespace}/{kind}"
CUSTOM = "/apis/gateway.dask.org/v1alpha1/namespaces/{namespace}/{kind}"


class Serving:
    """Serves routes on a free port from a thread of its own; a context manager."""

    address: str
    """Where, as soon as it is entered."""
    tls: ssl.SSLContext | None = None
    """By which certificate; None: without."""
    place: tuple[str, int] = ("127.0.0.1", 0)
    """Address and port."""

    def routes(self) -> list[web.RouteDef]:
        """Return what is served."""
        raise NotImplementedError

    @property
    def port(self) -> int:
        """Of its address."""
        return int(self.address.rpartition(":")[2])

    def signed(self, authority: trustme.CA, *names: str) -> None:
        """Speak TLS, with a certificate for some names by an authority."""
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(*names).configure_cert(self.tls)

    def __enter__(self) -> Self:
        """Serve."""
        started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        if not started.wait(minutes(2)):
            raise TimeoutError("the server did not start")
        return self

    def __exit__(self, *exc: object) -> None:
        """Stop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(minutes(2))
        self._loop.close()

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        runner = self._loop.run_until_complete(self._start())
        started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())

    async def _start(self) -> web.AppRunner:
        app = web.Application(middlewares=[self.noted])
        app.add_routes(self.routes())
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, *self.place, ssl_context=self.tls)
        await site.start()
        self.address = site.name
        return runner

    @web.middleware
    async def noted(self, request: web.Request, handler: Any) -> Any:
        """Handle a request."""
        return await handler(request)


class KubernetesApi(Serving):
    """One namespace of a Kubernetes API.

    Parameters
    ----------
    namespace
        Its name.
    """

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.objects: dict[str, dict[str, Object]] = {}
        self.requests: list[tuple[str, str, int]] = []
        """Method, path and answer of everything asked."""
        self.refuse: Callable[[Object], tuple[int, str] | None] = lambda _: None
        """Given a pod to be made: status and message of a refusal, or None."""
        self.slow = 0.0
        """Seconds until an object that was asked for by its name is handed out."""
        self._version = 0
        self._watchers: list[tuple[str, str, asyncio.Queue[Any]]] = []
        self._log: list[tuple[int, str, str, Object]] = []

    def routes(self) -> list[web.RouteDef]:
        """Return what is served."""
        found: list[web.RouteDef] = []
        for base in (CORE, CUSTOM):
            one = base + "/{name}"
            found += [web.get(base, self._list), web.post(base, self._post)]
            found += [web.get(one, self._get), web.delete(one, self._remove)]
            found += [web.patch(one, self._patch), web.patch(one + "/status", self._patch)]
        return [*found, web.route("*", "/{rest:.*}", self._cluster_wide)]

    @web.middleware
    async def noted(self, request: web.Request, handler: Any) -> Any:
        """Handle a request and note it."""
        answer = await handler(request)
        self.requests.append((request.method, request.path, answer.status))
        return answer

    def kubeconfig(self) -> str:
        """Return a configuration for clients."""
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "test",
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
                "clusters": [{"name": "test", "cluster": {"server": self.address}}],
                "users": [{"name": "test", "user": {}}],
            }
        )

    def listed(self, kind: str) -> list[Object]:
        """Return copies of all objects of a kind."""
        return [copy.deepcopy(one) for one in list(self.objects.get(kind, {}).values())]

    def update(self, kind: str, name: str, **fields: Any) -> None:
        """Change fields of an object, as a kubelet or another controller would."""

        def change() -> None:
            found = self.objects[kind][name]
            found.update(fields)
            self._changed(kind, "MODIFIED", found)

        self._call(change)

    def put(self, kind: str, body: Object) -> None:
        """Create an object, as another controller would."""
        self._call(lambda: self._create(kind, body))

    def remove(self, kind: str, name: str) -> None:
        """Delete an object, as somebody else would."""
        self._call(lambda: self._delete(kind, name))

    def _call(self, function: Callable[[], Any]) -> Any:
        async def run() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(minutes(2))

    async def _cluster_wide(self, request: web.Request) -> web.Response:
        return _status(403, f"{request.path} is forbidden at the cluster scope")

    async def _list(self, request: web.Request) -> web.StreamResponse:
        kind, selector = request.match_info["kind"], request.query.get("labelSelector", "")
        if request.query.get("watch"):
            return await self._watch(request, kind, selector)
        found = [one for one in self.objects.get(kind, {}).values() if _fits(one, selector)]
        meta = {"resourceVersion": str(self._version)}
        return web.json_response({"items": found, "metadata": meta, "kind": "List"})

    async def _watch(self, request: web.Request, kind: str, selector: str) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        queue: asyncio.Queue[Any] = asyncio.Queue()
        known = int(request.query.get("resourceVersion", 0))
        for version, logged, event, obj in self._log:
            if version > known and logged == kind and _fits(obj, selector):
                queue.put_nowait({"type": event, "object": obj})
        watcher = (kind, selector, queue)
        self._watchers.append(watcher)
        try:
            async with asyncio.timeout(float(request.query.get("timeoutSeconds", 10))):
                while True:
                    await answer.write(json.dumps(await queue.get()).encode() + b"\n")
        except (TimeoutError, ConnectionResetError):
            pass
        finally:
            self._watchers.remove(watcher)
        return answer

    async def _post(self, request: web.Request) -> web.Response:
        kind, body = request.match_info["kind"], await request.json()
        if kind == "pods" and (refusal := self.refuse(body)):
            return _status(*refusal)
        if body["metadata"].get("name") in self.objects.get(kind, {}):
            return _status(409, "exists")
        return web.json_response(self._create(kind, body), status=201)

    async def _get(self, request: web.Request) -> web.Response:
        await asyncio.sleep(self.slow)  # patience: a slow answer is what a test asks for
        found = self.objects.get(request.match_info["kind"], {}).get(request.match_info["name"])
        return web.json_response(found) if found else _status(404, "not found")

    async def _remove(self, request: web.Request) -> web.Response:
        kind, name = request.match_info["kind"], request.match_info["name"]
        if name not in self.objects.get(kind, {}):
            return _status(404, "not found")
        return web.json_response(self._delete(kind, name))

    async def _patch(self, request: web.Request) -> web.Response:
        kind, name = request.match_info["kind"], request.match_info["name"]
        found = self.objects.get(kind, {}).get(name)
        if found is None:
            return _status(404, "not found")
        for step in await request.json():
            *parents, last = step["path"].strip("/").split("/")
            place = found
            for parent in parents:
                place = place[parent]
            if step["op"] == "test" and place.get(last) != step["value"]:
                return _status(422, f"{step['path']} is another one")
            if step["op"] == "add":
                place[last] = step["value"]
        self._changed(kind, "MODIFIED", found)
        return web.json_response(found)

    def _create(self, kind: str, body: Object) -> Object:
        meta = body["metadata"]
        meta.setdefault("namespace", self.namespace)
        meta.setdefault("name", meta.get("generateName", "") + uuid.uuid4().hex[:5])
        meta["uid"] = uuid.uuid4().hex
        meta["creationTimestamp"] = "2026-01-01T00:00:00Z"
        if kind == "pods":
            body["status"] = {"phase": "Pending"}
        self.objects.setdefault(kind, {})[meta["name"]] = body
        self._changed(kind, "ADDED", body)
        if not self._owned(meta):
            self._delete(kind, meta["name"])
        return body

    def _owned(self, meta: Object) -> bool:
        """Tell whether the owners still are there, as Kubernetes' collector does."""
        there = {one["metadata"]["uid"] for kind in self.objects.values() for one in kind.values()}
        return all(owner["uid"] in there for owner in meta.get("ownerReferences", []))

    def _delete(self, kind: str, name: str) -> Object:
        gone = self.objects[kind].pop(name)
        self._changed(kind, "DELETED", gone)
        for other, objects in list(self.objects.items()):
            for one in list(objects.values()):
                owners = one["metadata"].get("ownerReferences", [])
                if any(owner["uid"] == gone["metadata"]["uid"] for owner in owners):
                    self._delete(other, one["metadata"]["name"])
        return gone

    def _changed(self, kind: str, event: str, obj: Object) -> None:
        self._version += 1
        obj["metadata"]["resourceVersion"] = str(self._version)
        seen = copy.deepcopy(obj)
        self._log.append((self._version, kind, event, seen))
        for watched, selector, queue in self._watchers:
            if watched == kind and _fits(seen, selector):
                queue.put_nowait({"type": event, "object": seen})


def _fits(obj: Object, selector: str) -> bool:
    labels = obj["metadata"].get("labels", {})
    pairs = [pair.split("=", 1) for pair in selector.split(",") if pair]
    return all(labels.get(name) == value for name, value in pairs)


def _status(code: int, message: str) -> web.Response:
    return web.json_response({"kind": "Status", "code": code, "message": message}, status=code)

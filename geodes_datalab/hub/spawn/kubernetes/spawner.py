"""KubeSpawner that refuses what is not offered, and says in words why a server does not start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from html import escape
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.spawner import SpawnException
from kubernetes_asyncio.client import ApiException
from kubespawner import KubeSpawner
from traitlets import Dict, Float, Instance, default

from geodes_datalab.hub import images
from geodes_datalab.hub.person import Person
from geodes_datalab.hub.pods import secret_variables
from geodes_datalab.hub.problems import CHOOSE_AGAIN, Problem
from geodes_datalab.hub.spawn.kubernetes import choices, contexts, failures, progress
from geodes_datalab.hub.spawn.kubernetes.failures import SPAWN_FAILURES
from geodes_datalab.hub.trust import tolerate_old_authorities
from geodes_datalab.settings import Singleuser

LOOK_SECONDS = 0.5
"""Pause between two looks at a pod that starts."""

AHEAD_SECONDS = 3.0
"""How long before the hub's own limit a start is given up, at least: a busy hub looks late."""

PATIENCE = 4
"""Looks that a hopeless state must last; some pass by themselves."""


class SpawnFailure(SpawnException):
    """A server that does not start, told to the user in words."""

    def __init__(self, message: str, *, advice: str, reason: str, status: int) -> None:
        text = f"{message} {advice}".strip()
        html = f"<strong>{escape(message)}</strong> {escape(advice)}"
        super().__init__(text, reason=reason, message_html=html, status_code=status)
        self.jupyterhub_message = text
        self.jupyterhub_html_message = html


class DatalabKubeSpawner(KubeSpawner):
    """Start user servers as pods of the datalab."""

    described = Instance(Singleuser, config=True, help="The settings singleuser.")

    variables_from_secrets = Dict(config=True, help="Where variables lie that are secrets.")

    shared_memory_gib = Float(1.0, config=True, help="GiB of /dev/shm in the server's container.")

    user_options: dict[str, Any]  # of KubeSpawner and its bases, which have no types
    cpu_guarantee: float | None
    mem_guarantee: int | None
    volume_mounts: dict[str, dict[str, Any]]
    _refused = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        tolerate_old_authorities()  # before KubeSpawner makes its client
        super().__init__(*args, **kwargs)

    @default("profile_list")
    def _offered_profiles(self) -> Any:
        if not self.described.profiles and not self.described.other_image.enabled:
            return []  # no question: servers start at once
        return DatalabKubeSpawner.offers

    @default("apply_user_options")
    def _handled_later(self) -> Any:
        return _by_load_user_options  # else JupyterHub warns at each start

    def offers(self) -> list[choices.Offer]:
        """Return the profiles that this user may choose from."""
        try:
            return choices.offered(self.described, self.person())
        except choices.Refusal as refusal:
            raise self._refusal(refusal) from None

    def person(self) -> Person:
        """Return who the user is, as far as choices go."""
        groups = frozenset(group.name for group in self.user.groups)
        return Person(groups=groups, admin=bool(self.user.admin))

    async def load_user_options(self) -> None:
        """Apply the user's choices, after a check that they may be made."""
        self._refused = True  # until the choices are checked
        options = {key: value for key, value in (self.user_options or {}).items() if value != ""}
        try:
            if "profile_list" not in self.config_names():
                choices.check(options, self.offers(), self.described.patterns)
            self.user_options = options
            await super().load_user_options()
            self._check_image(options)
        except choices.Refusal as refusal:
            raise self._refusal(refusal) from None
        except (KeyError, ValueError) as error:  # of profiles that the operator wrote in Python
            raise self._refusal(choices.Refusal(str(error), 400)) from None
        self._refused = False
        self._settle()

    async def _render_options_form_dynamically(self, current_spawner: Any) -> str:
        """Ask nothing where this user has nothing to choose."""
        if "profile_list" not in self.config_names() and not self.offers():
            return ""
        form: str = await super()._render_options_form_dynamically(current_spawner)
        return form

    def config_names(self) -> set[str]:
        """Return the traits that the operator set in Python or by ``hub.config``."""
        sections = (self.config.get(name, {}) for name in ("KubeSpawner", type(self).__name__))
        return {name for section in sections for name in section}

    async def get_pod_manifest(self) -> Any:
        """Return the pod: shared volumes opened to writers, memory to share, contexts set last."""
        self._open_shared()
        pod = contexts.share_memory(await super().get_pod_manifest(), self.shared_memory_gib)
        return contexts.harden(pod, uid=self.uid, gid=self.gid, fs_gid=self.fs_gid)

    def get_env(self) -> dict[str, Any]:
        """Return the environment, with references to Secrets that Kubernetes resolves."""
        env: dict[str, Any] = super().get_env()
        env.update(self._expand_env(secret_variables(self.variables_from_secrets)))
        return env

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what happens, in words, each only once in a row."""
        last = ""
        async for event in super().progress():
            if "raw_event" in event:
                event["message"] = progress.words(event["raw_event"])
            if event["message"] != last:
                last = event["message"]
                yield event

    async def poll(self) -> int | None:
        """Return None while the pod runs; a server that was refused has none to look for."""
        status: int | None = 1 if self._refused else await super().poll()
        return status

    def run_post_stop_hook(self) -> Any:
        """Tidy up after a server; not after one that was refused before it existed."""
        return None if self._refused else super().run_post_stop_hook()

    async def _start(self) -> str:
        """Start the pod, and give up as soon as waiting cannot help."""
        try:
            return await self._start_watched()
        except SpawnException as error:
            SPAWN_FAILURES.labels(reason=error.reason).inc()
            raise
        except ApiException as error:
            failure = _failure(failures.of_refusal(error.status or 0, str(error.body or error)))
        SPAWN_FAILURES.labels(reason=failure.reason).inc()
        raise failure

    async def _start_watched(self) -> str:
        old = self._uid()
        starting = asyncio.ensure_future(self._start_and_wait())
        watching = asyncio.ensure_future(self._watch(old))
        try:
            await asyncio.wait({starting, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                raise _failure(watching.result())
            return starting.result()
        except TimeoutError:  # KubeSpawner's own clock was faster
            raise _failure(self._problem(old) or failures.late(self.start_timeout)) from None
        finally:
            for task in (starting, watching):
                task.cancel()
            await asyncio.gather(starting, watching, return_exceptions=True)

    async def _start_and_wait(self) -> str:
        self._pvc_exists = False  # remembered otherwise: a home deleted since would never come back
        url: str = await super()._start()
        address = urlsplit(url)
        while not await _listens(address.hostname or "", address.port or 80):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)
        return url

    async def _watch(self, old: str | None) -> Problem:
        """Return the problem of the new pod, once it is final or the time is over."""
        loop = asyncio.get_running_loop()
        limit = self.start_timeout
        early = max(0.05 * limit, min(AHEAD_SECONDS, 0.5 * limit))
        end = loop.time() + limit - early  # before the hub ends it without a word
        hopeless = 0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            problem = self._problem(old)
            hopeless = hopeless + 1 if problem is not None and problem.final else 0
            if problem is not None and hopeless >= PATIENCE:
                return problem
            if loop.time() > end:
                return problem or failures.late(self.start_timeout)

    def _problem(self, old: str | None) -> Problem | None:
        pod = self._pod()
        if pod is None or pod["metadata"].get("uid") == old:
            return None
        return failures.of_pod(pod) or failures.of_events(self.events)

    def _pod(self) -> dict[str, Any] | None:
        reflector = self.pod_reflector
        pods = {} if reflector is None else reflector.pods
        result: dict[str, Any] | None = pods.get(f"{self.namespace}/{self.pod_name}")
        return result

    def _uid(self) -> str | None:
        pod = self._pod()
        return None if pod is None else pod["metadata"].get("uid")

    def _check_image(self, options: dict[str, str]) -> None:
        """Check an image that was typed, also where the operator's own profiles let users type."""
        for key, value in options.items():
            if not key.endswith(choices.UNLISTED) or value not in self.image:
                continue
            if not images.permitted(self.image, self.described.patterns):
                raise choices.Refusal(f"The image {self.image} is not allowed here", 403)

    def _settle(self) -> None:
        """Keep guarantees below limits, where a choice changed only one of them."""
        if self.cpu_limit and self.cpu_guarantee:
            self.cpu_guarantee = min(self.cpu_guarantee, self.cpu_limit)
        if self.mem_limit and self.mem_guarantee:
            self.mem_guarantee = min(self.mem_guarantee, self.mem_limit)

    def _open_shared(self) -> None:
        """Mount shared volumes so that this user can write, where the user may."""
        person = self.person()
        mounts = dict(self.volume_mounts)
        for name, shared in self.described.shared_data.items():
            writer = bool(person.groups & set(shared.writers))
            if writer or (shared.admins_write and person.admin):
                key = f"shared-{name}"
                mounts[key] = {**mounts[key], "readOnly": False}
        self.volume_mounts = mounts

    def _refusal(self, refusal: choices.Refusal) -> SpawnFailure:
        """Return the error, and forget the choices: they would be tried again at every start."""
        self.orm_spawner.user_options = None
        self.user_options = {}
        return SpawnFailure(
            refusal.message + ".",
            advice=CHOOSE_AGAIN,
            reason="refused",
            status=refusal.status,
        )


def _by_load_user_options(spawner: Any, options: Any) -> None:
    """Leave the choices to KubeSpawner."""


def _failure(problem: Problem) -> SpawnFailure:
    return SpawnFailure(
        problem.message, advice=problem.advice, reason=problem.reason, status=problem.status
    )


async def _listens(host: str, port: int) -> bool:
    """Tell whether something answers there; the pod runs before its server does."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 2)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True

"""The hub behind a rendered chart: its authenticator, with a real database, without a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyterhub import orm, roles
from jupyterhub.app import JupyterHub
from jupyterhub.crypto import CryptKeeper
from tornado.web import HTTPError
from traitlets.config import Config

from geodes_datalab.hub import apply, load

SECRETS = "/etc/geodes-datalab/secrets"


def configuration(settings: dict[str, Any], folder: Path) -> Config:
    """What the hub in the pod makes of the settings, its secrets lying in a folder here."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("hub.cookie-secret", "hub.crypt-keys"):
        (folder / name).write_text("ab" * 32)
    (folder / "hub.db-url").write_text(f"sqlite:///{folder}/hub.sqlite")
    text = json.dumps(settings).replace(SECRETS, str(folder))
    for path in folder_files(json.loads(text)):
        if not path.exists():
            path.write_text(path.name.ljust(40, "x"))
    c = Config()
    apply(load(json.loads(text)), c)
    c.JupyterHub.db_url = "sqlite:///:memory:"
    c.JupyterHub.upgrade_db = False  # it is new
    return c


def folder_files(value: Any) -> Iterable[Path]:
    """Files that the settings name as places of secrets."""
    if isinstance(value, dict):
        if set(value) == {"file"}:
            yield Path(value["file"])
        for below in value.values():
            yield from folder_files(below)


def allowed(question: Coroutine[Any, Any, Any]) -> Any:
    """Return the answer, None where it is 403."""

    async def ask() -> Any:
        try:
            return await question
        except HTTPError as error:
            if error.status_code == 403:
                return None
            raise

    return asyncio.run(ask())


@dataclass
class Entry:
    """A hub that has started as far as its users."""

    hub: Any

    @property
    def authenticator(self) -> Any:
        return self.hub.authenticator

    def comes(self, handler: Any, data: Any = None) -> dict[str, Any] | None:
        """Let somebody log in: what the hub is told, None when it is refused."""
        found = allowed(self.authenticator.get_authenticated_user(handler, data))
        return None if found is None else dict(found)

    def stays(self, person: Any, handler: Any) -> bool:
        """Tell whether somebody who is logged in may go on, as the hub asks now and then."""
        return bool(allowed(self.authenticator.refresh_user(person, handler)))

    def close(self) -> None:
        """Let go of the database, and of the one keeper of keys in this process."""
        CryptKeeper.clear_instance()
        engine = self.hub.db.get_bind()
        self.hub.db.close()
        engine.dispose()

    def known(self, name: str) -> Any:
        return orm.User.find(self.hub.db, name)


def entry(c: Config, known: Iterable[str] = ()) -> Entry:
    """Start a hub as far as its users; some are in the database from before."""

    async def start() -> Any:
        hub = JupyterHub(config=c)
        CryptKeeper.clear_instance()
        CryptKeeper.instance(parent=hub)
        hub.init_db()
        try:
            await as_at_start(hub, known)
        except BaseException:
            Entry(hub).close()
            raise
        return hub

    return Entry(asyncio.run(start()))


async def as_at_start(hub: Any, known: Iterable[str]) -> None:
    """Do what `JupyterHub.initialize` does, as far as users and their rights go."""
    hub.init_hub()
    hub.init_oauth()
    await hub.init_role_creation()
    for name in known:
        user = orm.User(name=name)
        hub.db.add(user)
        hub.db.commit()
        roles.assign_default_roles(hub.db, entity=user)
    await hub.init_users()
    await hub.init_groups()
    hub.init_services()
    await hub.init_api_tokens()
    await hub.init_role_assignment()
    await hub.init_blocked_users()

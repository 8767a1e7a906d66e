"""What administrators of the hub see of homes: folders and files, to read and not to change.

Only ``GET`` is answered. Who comes must have logged in to the hub as an administrator; links are named and
never followed; a file is sent as plain text or to be saved, never as something that a browser would run
under the hub's own address.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from contextlib import ExitStack
from html import escape
from typing import Any
from urllib.parse import quote

from jupyterhub.services.auth import (
    HubOAuth,
    HubOAuthCallbackHandler,
    HubOAuthenticated,
    UserNotAllowed,
)
from tornado import web

from geodes_datalab.hub.addresses import api_url, base_path
from geodes_datalab.hub.homes import page
from geodes_datalab.hub.homes.audit import Audit
from geodes_datalab.hub.homes.places import Places, listed
from geodes_datalab.settings import Settings

PIECE = 256 * 1024
"""Bytes read at a time."""

CACHE_SECONDS = 30
"""So long the hub's word that somebody administrates it is believed."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_SANDBOX = "default-src 'none'; sandbox"
"""Of a file of somebody's: whatever a browser takes it for, it runs as nobody and reaches nothing."""

_WORDS = {
    errno.ENOTDIR: "a link is on the way, or a file",
    errno.ELOOP: "it is a link, and links are not followed",
    errno.EACCES: "its rights forbid it",
}


def prefix(settings: Settings) -> str:
    """Return the path of the view, with slashes around it."""
    return f"{base_path(settings)}/services/{settings.homes.view.service}/"


def handlers(settings: Settings, places: Places, audit: Audit) -> list[Any]:
    """Return the routes for tornado.

    Parameters
    ----------
    settings
        How to reach the hub.
    places
        The homes.
    audit
        Where it is noted who looks.
    """
    base = prefix(settings)
    auth = hub_auth(settings)
    rest = {"auth": auth, "audit": audit, "places": places}
    return [
        (f"{base}?", All, rest),
        (f"{base}oauth_callback", Callback, {"auth": auth}),
        (f"{base}home/(.*)", One, rest),
    ]


def hub_auth(settings: Settings) -> HubOAuth:
    """Return how the hub is asked who comes."""
    view = settings.homes.view
    base = base_path(settings)
    return HubOAuth(
        api_url=api_url(settings),
        api_token=view.token.read() if view.token else "",
        base_url=prefix(settings),
        hub_prefix=f"{base}/hub/",
        oauth_client_id=f"service-{view.service}",
        oauth_redirect_uri=f"{prefix(settings)}oauth_callback",
        access_scopes={f"access:services!service={view.service}"},
        cache_max_age=CACHE_SECONDS,
    )


class Callback(HubOAuthCallbackHandler):
    """Where the hub sends a browser back."""

    def initialize(self, auth: HubOAuth) -> None:
        """Take what the route holds."""
        self.hub_auth = auth


class Handler(HubOAuthenticated, web.RequestHandler):
    """Lets administrators in, and nobody else."""

    SUPPORTED_METHODS = ("GET",)

    def initialize(self, auth: HubOAuth, audit: Audit, places: Places) -> None:
        """Take what the route holds."""
        self.hub_auth = auth
        self.audit = audit
        self.places = places

    def set_default_headers(self) -> None:
        """Let no browser run, frame or keep what is shown."""
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    async def prepare(self) -> None:
        """Ask the hub who comes, without letting others wait.

        Raises
        ------
        tornado.web.HTTPError
            Somebody who does not administrate the hub.
        """
        model = await self.hub_auth.get_user(self, sync=False)
        if model and not self._administrates(model):
            self.note("enter", "refused", person=str(model["name"]), path=self.request.path)
            raise web.HTTPError(403, reason="This is for administrators of the hub")
        self.current_user = model or None

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """Return a part of the address; names of files need not be text."""
        return value.decode("utf-8", "surrogateescape")

    def _administrates(self, model: dict[str, Any]) -> bool:
        """Tell whether an administrator comes: a person, as there is a name to note, and no service."""
        try:
            result = self.check_hub_user(model)
        except UserNotAllowed:
            return False
        return bool(result) and model.get("kind") == "user" and model.get("admin") is True

    def note(
        self, action: str, outcome: str, *, home: str = "", path: str = "", person: str = ""
    ) -> None:
        """Write a line about this request."""
        self.audit.note(
            person=person or str(self.current_user["name"]),
            action=action,
            outcome=outcome,
            # Its end is what the proxies on the way add: whoever asks writes the beginning.
            address=str(
                self.request.headers.get("X-Forwarded-For", "")[-200:] or self.request.remote_ip
            ),
            home=home,
            path=path,
        )

    def show(self, text: str) -> None:
        """Answer with a page."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(text)

    def write_error(self, status_code: int, **more: Any) -> None:
        """Answer in words; what went wrong inside is for the log."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(page.message(f"{status_code} {escape(self._reason)}"))


class All(Handler):
    """The list of homes."""

    @web.authenticated
    async def get(self) -> None:
        """Show it."""
        if not self.request.path.endswith("/"):
            self.redirect(self.request.path + "/")
            return
        names = await asyncio.to_thread(self.places.names)
        self.note("homes", "shown")
        self.show(page.homes(names))


class One(Handler):
    """A folder or a file of a home."""

    @web.authenticated
    async def get(self, rest: str) -> None:
        """Show a folder, or send a file.

        Raises
        ------
        tornado.web.HTTPError
            It is not there, or is not shown: a link, a pipe, what may not be read.
        """
        parts = rest.rstrip("/").split("/")
        depth = self.places.depth
        home, path = "/".join(parts[:depth]), tuple(parts[depth:])
        with ExitStack() as stack:
            try:
                opening = self.places.opened(home, path)
                result = await asyncio.to_thread(stack.enter_context, opening)
            except FileNotFoundError:
                self._deny(404, "absent", home, path, "There is nothing by this name")
            except OSError as error:
                said = _WORDS.get(error.errno or 0) or os.strerror(error.errno or 0)
                self._deny(403, "refused", home, path, f"It is not shown: {said}")
            else:
                await self._answer(result, home, path)

    async def _answer(self, found: int, home: str, path: tuple[str, ...]) -> None:
        mode = os.fstat(found).st_mode
        if stat.S_ISDIR(mode):
            entries = await asyncio.to_thread(listed, found)
            self.note("list", "shown", home=home, path="/".join(path))
            self.show(page.folder(self.hub_auth.base_url, home, path, entries))
        elif stat.S_ISREG(mode):
            self.note("read", "shown", home=home, path="/".join(path))
            await self._send(found, path[-1])
        else:
            self._deny(403, "refused", home, path, "It is neither a folder nor a file")

    async def _send(self, found: int, name: str) -> None:
        """Send a file as it is now: no more than it holds at the beginning."""
        left = os.fstat(found).st_size
        self.set_header("Content-Security-Policy", _SANDBOX)
        if self.get_query_argument("text", None) is None:
            self.set_header("Content-Type", "application/octet-stream")
            said = quote(os.fsencode(name), safe="")
            self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{said}")
        else:
            self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Content-Length", str(left))
        while left > 0:
            piece = await asyncio.to_thread(os.read, found, min(PIECE, left))
            if not piece:
                break  # it was cut short meanwhile: the connection breaks, the browser says so
            left -= len(piece)
            self.write(piece)
            await self.flush()
        self.finish()

    def _deny(
        self, status: int, outcome: str, home: str, path: tuple[str, ...], reason: str
    ) -> None:
        self.note("read", outcome, home=home, path="/".join(path))
        raise web.HTTPError(status, reason=reason)

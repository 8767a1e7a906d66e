"""How requests are watched: by a rule of tornado that loads an extension and then lets them pass on."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import APIHandler
from tornado import web
from tornado.httputil import HTTPServerRequest
from tornado.routing import PathMatches, Rule

from geodes_datalab.server.late import Late
from geodes_datalab.server.late.aside import Aside, Passed


class Nothing(APIHandler):
    """An extension that has not been used knows of nothing."""

    @web.authenticated
    def get(self) -> None:
        """Answer with an empty list."""
        self.finish("[]")


class First(PathMatches):
    """Loads an extension at the first request to it; its rules come after this one, which never matches.

    Parameters
    ----------
    pattern
        Of the whole path.
    serverapp
        The Jupyter server.
    name
        Of the extension.
    """

    def __init__(self, pattern: str, serverapp: Any, name: str) -> None:
        super().__init__(pattern)
        self._server, self._name = serverapp, name
        self.waiting = True

    def match(self, request: HTTPServerRequest) -> None:
        """Load the extension if it is asked for."""
        if self.waiting and super().match(request) is not None:
            self.load()

    def load(self) -> None:
        """Load the extension."""
        self.waiting = False
        manager = self._server.extension_manager
        manager.add_extension(self._name, enabled=True)
        manager.link_extension(self._name)
        manager.load_extension(self._name)


class Unused(PathMatches):
    """Matches what the Lab asks by itself, which an extension need not be loaded for.

    Parameters
    ----------
    pattern
        Of the whole path.
    first
        What loads the extension.
    late
        The extension. Where something else has imported it, it has things to tell.
    """

    def __init__(self, pattern: str, first: First, late: Late) -> None:
        super().__init__(pattern)
        self._first, self._late = first, late

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Return arguments for a handler, or None. A number in the query only keeps browsers from caching."""
        plain = all(name.isdigit() for name in request.query_arguments)
        used = not self._first.waiting or self._late.module in sys.modules
        if request.method != "GET" or used or not plain or self._told():
            return None
        return super().match(request)

    def _told(self) -> bool:
        return bool(self._late.unless) and Path(self._late.unless).is_file()


def rules(serverapp: Any, late: Late) -> list[Rule]:
    """Return the rules that watch for an extension.

    Parameters
    ----------
    serverapp
        The Jupyter server.
    late
        The extension.
    """
    base = serverapp.web_app.settings["base_url"]
    start = re.escape(base)
    first = First(f"{start}{late.addresses}.*", serverapp, late.module)
    result = [Rule(first, Nothing)]
    if late.aside:
        taken = {"aside": Aside(late.module, base), "load": first.load}
        result.insert(0, Rule(Unused(f"{start}{late.aside}", first, late), Passed, taken))
    if late.quiet:
        result.insert(0, Rule(Unused(f"{start}{late.quiet}", first, late), Nothing))
    return result

"""How requests are watched: by a rule of tornado that loads an extension and then lets them pass on."""

from __future__ import annotations

import re
import sys
from typing import Any

from jupyter_server.base.handlers import APIHandler
from tornado import web
from tornado.httputil import HTTPServerRequest
from tornado.routing import PathMatches, Rule


class Nothing(APIHandler):
    """An extension that has not been used knows of nothing."""

    @web.authenticated
    def get(self) -> None:
        """Answer with an empty list."""
        self.finish("[]")


class Unused(PathMatches):
    """Matches a question that an extension need not be loaded for.

    Parameters
    ----------
    pattern
        Of the whole path.
    module
        Of the extension: where something else has imported it, it has things to tell.
    """

    def __init__(self, pattern: str, module: str) -> None:
        super().__init__(pattern)
        self._module = module

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Return arguments for `Nothing`, or None."""
        if request.method != "GET" or self._module in sys.modules:
            return None
        return super().match(request)


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
        self._server = serverapp
        self._name: str | None = name

    def match(self, request: HTTPServerRequest) -> None:
        """Load the extension if it is asked for."""
        name = self._name
        if name is None or super().match(request) is None:
            return
        self._name = None
        manager = self._server.extension_manager
        manager.add_extension(name, enabled=True)
        manager.link_extension(name)
        manager.load_extension(name)


def rules(serverapp: Any, name: str, pattern: str, quiet: str | None) -> list[Rule]:
    """Return the rules that watch for an extension.

    Parameters
    ----------
    serverapp
        The Jupyter server.
    name
        Of the extension.
    pattern, quiet
        Beginning of its addresses; what need not load it.
    """
    base = re.escape(serverapp.web_app.settings["base_url"])
    first = Rule(First(f"{base}{pattern}.*", serverapp, name), Nothing)
    if quiet is None:
        return [first]
    return [Rule(Unused(f"{base}{quiet}", name), Nothing), first]

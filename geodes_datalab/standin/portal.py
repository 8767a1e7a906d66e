"""The state of one running stand-in: what it serves, to whom, and how badly."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from geodes_datalab.standin.accounts import Accounts
from geodes_datalab.standin.catalogue import Catalogue
from geodes_datalab.standin.faults import Faults
from geodes_datalab.standin.profiles import Profile
from geodes_datalab.standin.recorder import RequestLog
from geodes_datalab.standin.records import PORTAL
from geodes_datalab.standin.search import Search

NOTICE = "This is a stand-in for tests and workshops. It is not GEODES and not run by CNES."


@dataclass
class Settings:
    """How the stand-in answers where the real portal's answer depends on its mood."""

    bad_key: str = "redirect"
    """Answer to a wrong key: ``redirect`` (a loop, as seen live), ``401`` or ``403``."""
    quota_answer: str = "text"
    """Answer over quota: ``text`` or ``json`` (403, both seen live) or ``429``."""
    ranges: str = "on"
    """Byte ranges: ``on``, ``off`` (always the whole file) or ``error`` (HTTP 500, seen live)."""
    tape_status: int = 202
    """Answer to downloads of products on tape; the real portal's is not known."""
    latency: float = 0.0
    """Seconds that every catalogue answer takes."""
    public_url: str | None = None
    """Address to write into documents; the request's own when None."""
    control: bool = False
    """Whether ``/_stand-in`` lets a client switch faults and read the log."""


@dataclass
class Portal:
    """Everything that the handlers of one app share."""

    catalogue: Catalogue
    profile: Profile
    accounts: Accounts
    faults: Faults
    settings: Settings
    documents: dict[str, dict[str, Any]]
    """Collections by their id on the wire."""
    requests: RequestLog = field(default_factory=RequestLog)
    on_tape: set[str] = field(default_factory=set)
    """Item ids (URN) of products that must be fetched from tape first; may be changed."""

    def __post_init__(self) -> None:
        """Start with the tape state of the catalogue, and serialise every item beforehand."""
        self.on_tape |= self.catalogue.on_tape
        self.catalogue.render(self.profile)
        self.search = Search(self.catalogue, self.profile)
        self.known = frozenset(self.documents)

    def base(self, request: Request) -> str:
        """Return the portal's address as the client sees it, without a slash at the end."""
        if self.settings.public_url:
            return self.settings.public_url.rstrip("/")
        headers = request.headers
        scheme = headers.get("x-forwarded-proto", request.url.scheme).split(",")[0].strip()
        host = headers.get("x-forwarded-host") or headers.get("host") or request.url.netloc
        prefix = headers.get("x-forwarded-prefix", "").rstrip("/")
        return f"{scheme}://{host.split(',')[0].strip()}{prefix}"

    def json(
        self,
        request: Request,
        value: Any,
        *,
        status: int = 200,
        media_type: str = "application/json",
    ) -> Response:
        """Return a document with the portal's own address in its links."""
        text = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
        text = text.replace(PORTAL.encode(), self.base(request).encode())
        return Response(text, status_code=status, media_type=media_type)

    def geojson(self, request: Request, value: Any) -> Response:
        """Return items, under the name that the standard has for them; today's portal calls them JSON."""
        kind = "application/geo+json" if self.profile.modern else "application/json"
        return self.json(request, value, media_type=kind)

    def refusal(self, request: Request) -> Response | None:
        """Return the answer to a request without a valid key, or None when the key is valid."""
        state = self.accounts.state(request.headers.get("x-api-key"))
        if state == "valid":
            return None
        if state == "absent" or self.settings.bad_key == "401":
            return error(401, "Unauthorized", "Full authentication is required")
        if self.settings.bad_key == "403":
            return error(403, "Forbidden", "Access denied")
        return redirect_loop(request)

    def over_quota(self) -> Response:
        """Return the answer to a download over the hourly quota."""
        text = "Downloading products per hour exceeds quota limit"
        if self.settings.quota_answer == "json":
            message = f"DownloadQuotaPlugin : {text}"
            return JSONResponse({"messages": [message], "message": message}, status_code=403)
        if self.settings.quota_answer == "429":
            return PlainTextResponse(text, 429, headers={"Retry-After": "900"})
        return PlainTextResponse(text, 403)


def redirect_loop(request: Request) -> Response:
    """Return a redirect to the very address that was asked for."""
    return RedirectResponse(request.url.path + _query(request), 302)


def error(status: int, kind: str, message: str) -> Response:
    """Return an error in the envelope of the legacy backend."""
    body = {
        "correlationId": "00000000-0000-3000-8000-000000000000",
        "type": kind,
        "message": message,
        "cause": None,
        "time": "1970-01-01T00:00:00Z",
    }
    return JSONResponse(body, status_code=status)


def of(request: Request) -> Portal:
    """Return the portal that a request came to."""
    portal: Portal = request.app.state.portal
    return portal


def _query(request: Request) -> str:
    return f"?{request.url.query}" if request.url.query else ""

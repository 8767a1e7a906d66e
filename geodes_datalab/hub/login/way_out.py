"""The hub's way out of a closed site: log-ins reach their provider through the site's web proxy.

Authenticators ask with Tornado's HTTP client, which knows no proxy (only its variant on libcurl does).
This one asks by aiohttp, which JupyterHub itself uses, where the environment names a proxy for an address:
by ``HTTP_PROXY``, ``HTTPS_PROXY`` or ``ALL_PROXY``, and not by ``NO_PROXY``. All else is as it was.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from tornado.httputil import HTTPHeaders, encode_username_password
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from geodes_datalab import _proxies
from geodes_datalab._proxies import shown

NO_ANSWER = 599
"""Tornado's own code for what never became an answer."""

_asking: set[asyncio.Task[HTTPResponse]] = set()  # else they may be collected


def install() -> None:
    """Take this client for all that use Tornado's, where the environment names a proxy."""
    if _proxies.named():
        AsyncHTTPClient.configure(WebProxyClient)


class WebProxyClient(SimpleAsyncHTTPClient):
    """Tornado's HTTP client, with the environment's web proxies."""

    def fetch_impl(self, request: HTTPRequest, callback: Callable[[HTTPResponse], None]) -> None:
        """Ask, and call back with the answer."""
        proxy = _proxies.proxy_for(request.url)
        if proxy is None:
            super().fetch_impl(request, callback)
            return

        def answered(task: asyncio.Task[HTTPResponse]) -> None:
            _asking.discard(task)
            if not task.cancelled():
                callback(task.result())

        task = asyncio.ensure_future(_ask(request, proxy))
        _asking.add(task)
        task.add_done_callback(answered)


async def _ask(request: HTTPRequest, proxy: str) -> HTTPResponse:
    """Return the answer; what keeps it from coming is one, too, as Tornado's callers expect."""
    import aiohttp

    began = time.monotonic()
    try:
        return await _answer(request, proxy, began)
    except aiohttp.ClientHttpProxyError as error:
        why = f"the web proxy {shown(proxy)} refused: HTTP {error.status} {error.message}"
    except aiohttp.ClientProxyConnectionError as error:
        why = f"the web proxy {shown(proxy)} does not answer: {error.strerror or error}"
    except TimeoutError:
        why = f"no answer in time through the web proxy {shown(proxy)}"
    except Exception as error:  # noqa: BLE001  # whoever asked is told
        said = str(error) or type(error).__name__
        why = f"through the web proxy {shown(proxy)}: {said}"
    failure = HTTPClientError(NO_ANSWER, why)
    return HTTPResponse(
        request, NO_ANSWER, error=failure, request_time=time.monotonic() - began, reason=why
    )


async def _answer(request: HTTPRequest, proxy: str, began: float) -> HTTPResponse:
    import aiohttp

    timeout = aiohttp.ClientTimeout(
        total=request.request_timeout or None, connect=request.connect_timeout or None
    )
    session = aiohttp.ClientSession(
        timeout=timeout, auto_decompress=bool(request.decompress_response)
    )
    asked = _asked(request) | _by_way_of(proxy)
    async with session, session.request(**asked) as reply:
        body = await reply.read()
        if request.streaming_callback is not None:
            request.streaming_callback(body)
            body = b""
        return HTTPResponse(
            request,
            reply.status,
            headers=_told(reply.headers),
            buffer=BytesIO(body),
            effective_url=str(reply.url),
            reason=reply.reason,
            request_time=time.monotonic() - began,
        )


def _asked(request: HTTPRequest) -> dict[str, Any]:
    """Say in aiohttp's words what is asked in Tornado's."""
    from yarl import URL

    return {
        "method": request.method,
        "url": URL(request.url, encoded=True),
        "data": request.body,
        "headers": list(_headers(request).get_all()),
        "allow_redirects": bool(request.follow_redirects),
        "max_redirects": request.max_redirects or 1,
        "ssl": _tls(request),
    }


def _by_way_of(proxy: str) -> dict[str, Any]:
    """Say in aiohttp's words who asks the proxy: it knows no letters beyond Latin ones in passwords."""
    who = base64.b64encode(_proxies.credentials(proxy)).decode()
    headers = {"Authorization": f"Basic {who}"} if who else None  # aiohttp renames that
    return {"proxy": shown(proxy), "proxy_headers": headers}


def _told(found: Mapping[str, str]) -> HTTPHeaders:
    """Return the headers of an answer; some come more than once."""
    headers = HTTPHeaders()
    for name, value in found.items():
        headers.add(name, value)
    return headers


def _headers(request: HTTPRequest) -> HTTPHeaders:
    """Return the headers that Tornado's client would send."""
    headers = HTTPHeaders(request.headers)
    if request.auth_username is not None:
        pair = encode_username_password(request.auth_username, request.auth_password or "")
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    if request.user_agent:
        headers["User-Agent"] = request.user_agent
    if request.method == "POST" and "Content-Type" not in headers:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    return headers


def _tls(request: HTTPRequest) -> ssl.SSLContext:
    """Return whom to trust, as Tornado's client would: the environment's authorities, or those named."""
    if isinstance(request.ssl_options, ssl.SSLContext):
        return request.ssl_options
    context = ssl.create_default_context(cafile=request.ca_certs)
    if not request.validate_cert:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if request.client_cert is not None:
        context.load_cert_chain(request.client_cert, request.client_key)
    return context

"""A requests session with our retries, timeouts and care for the key."""

from __future__ import annotations

import base64
import ssl
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3 import BaseHTTPResponse, Retry
from urllib3.exceptions import MaxRetryError

from geodes_datalab import auth
from geodes_datalab._http import pace
from geodes_datalab._proxies import credentials, is_exempt, well_formed
from geodes_datalab.config import Config

MAX_PAUSE = 30.0
"""Seconds: a longer ``Retry-After`` is an answer, not a pause."""

MAX_REDIRECTS = 10
"""More are a loop; the portal answers a wrong key with one."""

_RETRIED = frozenset({429, 500, 502, 503, 504})


def pause(config: Config, attempt: int) -> float:
    """Return the seconds before the next try, after one (0) or more that failed."""
    return min(config.backoff * 2.0**attempt, MAX_PAUSE)


class Session(requests.Session):
    """A requests session with our retries, timeouts and care for the key."""

    def __init__(self, config: Config, key: auth.ApiKey | None) -> None:
        super().__init__()
        self.auth = _PortalKey(config, key)
        self.verify = config.ca_bundle or True
        self.max_redirects = MAX_REDIRECTS
        self.headers["User-Agent"] = "geodes-datalab"
        adapter = _Adapter(config)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def sends_key(self, url: str) -> bool:
        """Tell whether a request to this address carries the key."""
        return bool(self.key(url))

    def key(self, url: str) -> dict[str, str]:
        """Return the header that authorises a request to this address, where it needs one."""
        return self.auth.header(url) if isinstance(self.auth, _PortalKey) else {}

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """Prefer our CA bundle to ``REQUESTS_CA_BUNDLE`` (requests does it the other way)."""
        settings = super().merge_environment_settings(url, proxies, stream, verify, cert)
        # As people write them: requests fails with Python's own errors, or asks another machine.
        told = {} if is_exempt(url) else settings["proxies"]
        settings["proxies"] = {name: well_formed(at) for name, at in told.items() if at}
        if isinstance(self.verify, str):
            settings["verify"] = self.verify
        return settings

    def rebuild_auth(self, prepared_request: Any, response: Any) -> None:
        """Decide anew, at each redirect, whether the key may go along."""
        prepared_request.headers.pop(auth.HEADER, None)
        if isinstance(self.auth, _PortalKey):
            self.auth(prepared_request)


class _PortalKey(AuthBase):
    """Puts the key on requests to the portal; shows nothing of it."""

    def __init__(self, config: Config, key: auth.ApiKey | None) -> None:
        self._config, self._key = config, key

    def header(self, url: str) -> dict[str, str]:
        return auth.header(url, self._config, self._key)

    def __call__(self, r: Any) -> Any:
        r.headers.update(self.header(r.url))
        return r


class _Adapter(HTTPAdapter):
    """Adds the timeout and the retries to every request."""

    def __init__(self, config: Config) -> None:
        self._timeout = config.timeout
        self._rate = config.rate
        retry = _BoundedRetry(
            total=config.retries,
            status_forcelist=_RETRIED,
            allowed_methods=None,
            backoff_factor=config.backoff,
            backoff_jitter=config.backoff / 2,
            raise_on_status=False,
        )
        super().__init__(pool_maxsize=config.max_requests, max_retries=retry)

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        """Send name and password as the address has them; requests knows no letters beyond Latin ones."""
        who = base64.b64encode(credentials(proxy)).decode()
        return {"Proxy-Authorization": f"Basic {who}"} if who else {}

    def send(
        self,
        request: Any,
        stream: bool = False,
        timeout: Any = None,
        *rest: Any,
        **more: Any,
    ) -> Any:
        pace.wait(auth.origin(request.url)[1] or "", self._rate)
        return super().send(request, stream, timeout or self._timeout, *rest, **more)


class _BoundedRetry(Retry):
    """Takes a long ``Retry-After``, and a certificate that nobody trusts, for the answer."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: Any = None,
    ) -> Self:
        if response is not None and (self.get_retry_after(response) or 0) > MAX_PAUSE:
            raise MaxRetryError(_pool, url or "")
        if _untrusted(error):
            raise MaxRetryError(_pool, url or "", error)
        return super().increment(method, url, response, error, _pool, _stacktrace)


def _untrusted(error: Exception | None) -> bool:
    """Tell whether a certificate is the trouble: the next try finds the same one."""
    return any(
        isinstance(item, ssl.SSLCertVerificationError) for item in getattr(error, "args", ())
    )

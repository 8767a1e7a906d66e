"""A few requests to the Kubernetes API from inside a pod, with the standard library alone.

For the short jobs of the chart; hub and gateway use kubernetes_asyncio.
"""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

from geodes_datalab.errors import ConfigurationError, ServiceError

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where Kubernetes puts a pod's token, its namespace and the authority of the API server."""

SECONDS = 30
"""How long one request may take."""


@dataclass(frozen=True)
class Api:
    """The API server, as this pod may use it."""

    address: str
    """``https://host:port``."""
    folder: Path
    """Holds ``token``, ``namespace`` and ``ca.crt``."""

    @classmethod
    def from_pod(cls, folder: Path = ACCOUNT) -> Api:
        """Find the API server of the pod that this process runs in.

        Raises
        ------
        ConfigurationError
            This is no pod, or one without a token.
        """
        host = os.environ.get("KUBERNETES_SERVICE_HOST")
        if not host or not (folder / "token").is_file():
            raise ConfigurationError(
                "this process does not run in a pod that may call the Kubernetes API",
                hint="run it as the job that the chart makes",
            )
        port = os.environ.get("KUBERNETES_SERVICE_PORT_HTTPS", "443")
        return cls(f"https://{f'[{host}]' if ':' in host else host}:{port}", folder)

    @property
    def namespace(self) -> str:
        """Namespace of the pod."""
        return (self.folder / "namespace").read_text("utf-8").strip()

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Send a request; return status and content of the answer, also of a refusal.

        Parameters
        ----------
        method
            ``PATCH`` sends a merge patch.
        path
            Of the API, with its leading slash.
        body
            An object.

        Raises
        ------
        ServiceError
            The API server cannot be reached.
        """
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        token = (self.folder / "token").read_text("utf-8").strip()
        request = Request(  # noqa: S310  # from_pod writes https
            self.address + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": kind},
            method=method,
        )
        opener = build_opener(HTTPSHandler(context=self._trust()), ProxyHandler({}))
        try:
            with opener.open(request, timeout=SECONDS) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, _content(error)
        except (URLError, TimeoutError, OSError) as error:
            raise ServiceError(
                f"the Kubernetes API at {self.address} cannot be reached: {error}",
                hint="check networkPolicy.apiServer of the chart's values",
            ) from error

    def _trust(self) -> ssl.SSLContext:
        """Trust the cluster's authority; many lack an extension that Python 3.13 asks for."""
        context = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context


def _content(error: HTTPError) -> dict[str, Any]:
    try:
        content = json.load(error)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}

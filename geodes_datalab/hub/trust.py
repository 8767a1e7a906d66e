"""Trust in the API server's certificate, as Python up to 3.12 had it."""

from __future__ import annotations

from kubernetes_asyncio.client import Configuration

_set_default = Configuration.set_default


def tolerate_old_authorities() -> None:
    """Verify certificates, but do not insist on an extension that many clusters' lack.

    Python 3.13 refuses certificates without an Authority Key Identifier, which older Kubernetes
    installations have (kubernetes-client/python#2394). The authority and the name are verified as ever.
    """
    Configuration.set_default = staticmethod(_tolerant)  # type: ignore[method-assign]


def _tolerant(default: Configuration | None) -> None:
    if default is not None:
        default.disable_strict_ssl_verification = True
    _set_default(default)

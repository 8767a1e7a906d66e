from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def secret(tmp_path: Path) -> Any:
    """Return a maker of secrets: content -> settings that name its file."""

    def make(text: str, name: str = "") -> dict[str, str]:
        path = tmp_path / (name or f"secret-{len(list(tmp_path.iterdir()))}")
        path.write_text(text + "\n")
        return {"file": str(path)}

    return make


@pytest.fixture
def values(secret: Any, tmp_path: Path) -> dict[str, Any]:
    """Return settings of a local datalab, every secret set."""
    return {
        "hub": {
            "public_url": "http://127.0.0.1:9000/",
            "bind_url": "http://127.0.0.1:9006",
            "cookie_secret": secret("ab" * 32),
        },
        "proxy": {"api_url": "http://127.0.0.1:9001", "token": secret("proxy-secret")},
        "authenticator": {
            "password": secret("user-password"),
            "admin_password": secret("a" * 32),
            "admins": ["admin"],
        },
        "spawner": {"homes": str(tmp_path / "homes"), "environment": {"GEODES_PORTAL": "http://x"}},
        "gateway": {
            "token": secret("gateway-secret"),
            "proxy_token": secret("gateway-proxy-secret"),
            "api_address": "127.0.0.1:9002",
            "proxy_address": "127.0.0.1:9003",
            "scheduler_address": "127.0.0.1:9004",
        },
        "cull": {"token": secret("culler-secret")},
    }

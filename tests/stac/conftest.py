from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from geodes_datalab import auth
from geodes_datalab.standin import StandIn

DATA = Path(__file__).parent / "data"


@pytest.fixture
def recorded() -> Callable[[str], dict[str, Any]]:
    def read(name: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((DATA / name).read_text("utf-8"))
        return content

    return read


@pytest.fixture
def served(
    geodes_factory: Callable[..., StandIn], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., StandIn]:
    """Start a stand-in and make it the configured portal; the key is not signed in with."""

    def start(*arguments: Any, **options: Any) -> StandIn:
        portal = geodes_factory(*arguments, **options)
        monkeypatch.setenv("GEODES_PORTAL", portal.url)
        monkeypatch.setenv("GEODES_BACKOFF", "0")
        return portal

    return start


@pytest.fixture
def portal(served: Callable[..., StandIn]) -> StandIn:
    """The samples behind today's API, configured."""
    return served()


@pytest.fixture
def signed_in(portal: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """The same, with the right key."""
    monkeypatch.setenv("GEODES_API_KEY", portal.api_key)
    return portal


@pytest.fixture(autouse=True)
def no_key_left() -> Iterator[None]:
    yield
    auth.use(None)

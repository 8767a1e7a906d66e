"""Sample products of all missions, served as the portal serves products."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from geodes_datalab import stac
from geodes_datalab.stac.items.sequence import Items
from geodes_datalab.standin import Catalogue, StandIn, serve


@pytest.fixture(scope="session")
def missions_portal(missions_catalogue: Catalogue) -> Iterator[StandIn]:
    with serve(missions_catalogue) as running:
        yield running


@pytest.fixture
def portal(missions_portal: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """The portal, configured, with its key."""
    monkeypatch.setenv("GEODES_PORTAL", missions_portal.url)
    monkeypatch.setenv("GEODES_API_KEY", missions_portal.api_key)
    missions_portal.requests.clear()
    return missions_portal


@pytest.fixture
def find(portal: StandIn) -> Callable[..., Items]:
    """A search that must find something."""

    def found(collection: str, **words: object) -> Items:
        items = stac.search(collection, progress=False, **words)
        assert len(items), collection
        return items

    return found

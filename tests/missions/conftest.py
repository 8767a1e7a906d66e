"""Sample products of all missions, served as the portal serves products."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from geodes_datalab import stac
from geodes_datalab.stac.items.sequence import Items
from geodes_datalab.standin import Catalogue, StandIn, serve


@pytest.fixture
def portal(missions_catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """The portal, configured, with its key: one for each test, so that nothing of its files is held yet."""
    with serve(missions_catalogue) as running:
        monkeypatch.setenv("GEODES_PORTAL", running.url)
        monkeypatch.setenv("GEODES_API_KEY", running.api_key)
        yield running


@pytest.fixture
def find(portal: StandIn) -> Callable[..., Items]:
    """A search that must find something."""

    def found(collection: str, **words: object) -> Items:
        items = stac.search(collection, progress=False, **words)
        assert len(items), collection
        return items

    return found

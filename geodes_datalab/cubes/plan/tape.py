"""Products on tape: they cannot be read now."""

from __future__ import annotations

from collections.abc import Sequence

from geodes_datalab import _http, auth, stac
from geodes_datalab._types import Json
from geodes_datalab.cubes import skipping
from geodes_datalab.cubes.parse.products import Parsed, titles
from geodes_datalab.errors import GeodesError, ProductOffline


def online(
    parsed: Sequence[Parsed], client: _http.Client, how: skipping.Offline
) -> Sequence[Parsed]:
    """Return the products that can be read now, where the catalogue is GEODES and tells so.

    Raises
    ------
    ProductOffline
        Some lie on tape, and are not to be left out; or all do.
    """
    offline = _on_tape(parsed, client)
    if not offline:
        return parsed
    error = ProductOffline(
        f"{len(offline)} of {len(parsed)} products lie on tape: {titles(offline)}",
        hint='leave them out with load(..., offline="skip") '
        "(geodes_datalab.stac.availability(items) tells which are online), or ask for them in the "
        "portal and come back",
    )
    if how != "skip" or len(offline) == len(parsed):
        raise error
    for item in offline:
        skipping.tell(skipping.Loss(item.title, ProductOffline("it lies on tape")))
    gone = {id(item) for item in offline}
    return [item for item in parsed if id(item) not in gone]


def _on_tape(parsed: Sequence[Parsed], client: _http.Client) -> list[Parsed]:
    settings = client.config
    if settings.dialect != "geodes":
        return []
    portal = _Portal(settings.portal)
    remote = [item for item in parsed if portal.serves(item.item)]
    if not remote:
        return []
    try:
        there = stac.availability([item.item for item in remote], catalogue=settings)
    except GeodesError:
        return []  # a courtesy of the portal: without it, reading itself will tell
    return [item for item in remote if there.get(item.id) is False]


class _Portal:
    """Tells which items the portal serves; thousands of addresses share a few origins."""

    def __init__(self, address: str) -> None:
        self._origin = auth.origin(address)
        self._known: dict[str, bool] = {}

    def serves(self, item: Json) -> bool:
        """Tell whether one of an item's files lies there."""
        return any(self._holds(str(asset["href"])) for asset in item["assets"].values())

    def _holds(self, href: str) -> bool:
        head = "/".join(
            href.split("/", 3)[:3]
        )  # an authority ends at the first slash, at the latest
        if head not in self._known:
            self._known[head] = auth.origin(head) == self._origin
        return self._known[head]

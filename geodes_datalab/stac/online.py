"""The verb `availability`: what can be downloaded now, and what lies on tape.

The catalogue's own "is online" is false for products that everybody downloads; the archive is the
one to ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from geodes_datalab import auth
from geodes_datalab._http import Client
from geodes_datalab._types import Json
from geodes_datalab.config import Config
from geodes_datalab.errors import DataError, ServiceError
from geodes_datalab.stac.items.assets import data_asset
from geodes_datalab.stac.items.held import as_dicts
from geodes_datalab.stac.items.sequence import Items
from geodes_datalab.stac.settings import settings_of

if TYPE_CHECKING:
    import pystac

BATCH = 100
"""Products per request."""


def availability(
    items: Items | Iterable[pystac.Item] | Iterable[Json], *, catalogue: str | Config | None = None
) -> dict[str, bool]:
    """Ask the archive which products can be downloaded now.

    Parameters
    ----------
    items
        Items of a search; an `Items` remembers the answer and shows it in its table.
    catalogue
        See `search`.

    Returns
    -------
    dict
        Item id to True (online) or False (on tape). Files that lie elsewhere than in the portal's
        archive, and those that it says nothing about, count as online.

    Raises
    ------
    ServiceError
        The archive cannot be asked.
    """
    dicts = as_dicts(items)
    with Client(settings_of(catalogue)) as client:
        result = ask(dicts, client)
    if isinstance(items, Items):
        items.available.update(result)
    return result


def ask(dicts: list[Json], client: Client) -> dict[str, bool]:
    """Return item id to True (online) or False (on tape)."""
    result = {str(item["id"]): True for item in dicts}
    wanted = [(item, asset) for item in dicts if (asset := _archived(item, client.config))]
    for replies in client.map(lambda batch: _asked(batch, client), _batches(wanted)):
        result.update(replies)
    return result


def _archived(item: Json, config: Config) -> Json | None:
    """Return the data file, where the portal's archive holds it."""
    try:
        asset = data_asset(item)[1]
    except DataError:
        return None
    return asset if auth.origin(asset["href"]) == auth.origin(config.portal) else None


def _batches(wanted: list[tuple[Json, Json]]) -> Iterator[list[tuple[Json, Json]]]:
    return (wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH))


def _asked(batch: list[tuple[Json, Json]], client: Client) -> dict[str, bool]:
    products = [
        {"href": asset["href"], "endpointURL": item["properties"].get("endpoint_url", "")}
        for item, asset in batch
    ]
    reply = client.post_json(f"{client.config.portal}/fastavailability", {"availability": products})
    answers = reply.get("products")
    if not isinstance(answers, list) or not all(map(_is_answer, answers)):
        raise ServiceError("the archive did not say what is online", "try again in a few minutes")
    told: Mapping[str, Any] = {str(entry.get("id")): entry.get("files") or [] for entry in answers}
    result = {}
    for item, asset in batch:
        href = unquote(asset["href"])
        files: list[Json] = next((told[name] for name in told if name and name in href), [])
        md5 = asset.get("geodes:md5")
        states = [
            bool(entry.get("available")) for entry in files if md5 in (None, entry.get("checksum"))
        ]
        if states:
            result[str(item["id"])] = all(states)
    return result


def _is_answer(one: Any) -> bool:
    """Tell whether it is an answer on one product."""
    files = one.get("files") or [] if isinstance(one, Mapping) else None
    return isinstance(files, list) and all(isinstance(file, Mapping) for file in files)

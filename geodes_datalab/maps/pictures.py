"""Quicklooks of items, each fetched once: when it is wanted, or ahead in the background."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from geodes_datalab import config
from geodes_datalab._language import gettext
from geodes_datalab._types import Json
from geodes_datalab.errors import GeodesError
from geodes_datalab.maps import quicklook

_AT_ONCE = 3
"""Pictures that are fetched at the same time."""


class Pictures:
    """Pictures of items, kept as long as the map is."""

    def __init__(self, dicts: Sequence[Json]) -> None:
        self._dicts = dicts
        self._kept: dict[int, str] = {}
        self._thumbnails: dict[int, str] = {}
        self._waiting: list[Future[None]] = []
        self._pool: ThreadPoolExecutor | None = None

    def get(self, item: int, settings: config.Config | None = None) -> str:
        """Return an item's picture as a data URI; empty where it has none.

        Raises
        ------
        GeodesError
            It cannot be had now; the next call tries again.
        """
        if item not in self._kept:
            url = quicklook.address(self._dicts[item])
            self._kept[item] = quicklook.fetch(url, settings or config.load()) if url else ""
        return self._kept[item]

    def ahead(self, items: Sequence[int], each: Callable[[int, str, str], None]) -> None:
        """Fetch pictures in the background; what an earlier call still waits for is dropped.

        Parameters
        ----------
        items
            Positions.
        each
            Called in a thread for every one, with its position, its thumbnail as a data URI (empty where
            there is none), and the reason.
        """
        settings = config.load()
        for future in self._waiting:
            future.cancel()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="quicklooks")
        self._waiting = [self._pool.submit(self._one, item, settings, each) for item in items]

    def _one(
        self, item: int, settings: config.Config, each: Callable[[int, str, str], None]
    ) -> None:
        try:
            each(item, self._thumbnail(item, settings), gettext("this product has no quicklook"))
        except GeodesError as error:
            each(item, "", quicklook.reason(error))

    def _thumbnail(self, item: int, settings: config.Config) -> str:
        if item not in self._thumbnails:
            picture = self.get(item, settings)
            self._thumbnails[item] = quicklook.thumbnail(picture) if picture else ""
        return self._thumbnails[item]

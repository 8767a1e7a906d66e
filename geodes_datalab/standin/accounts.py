"""API keys and the hourly quota of products."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

HOUR = 3600.0


def new_key() -> str:
    """Return a random API key."""
    return secrets.token_urlsafe(24)


@dataclass
class Accounts:
    """Keys, each with its quota, and what each has downloaded in the last hour.

    A product counts once per hour, however many ranges of it are read.
    """

    quotas: dict[str, int] = field(repr=False)
    """Products per hour by key."""
    clock: Callable[[], float] = field(default=time.time, repr=False)
    _used: dict[str, dict[str, float]] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @classmethod
    def of(cls, keys: Iterable[str] | Mapping[str, int], quota: int) -> Accounts:
        """Return accounts for keys with their own quotas, or with one for all."""
        if isinstance(keys, Mapping):
            return cls(dict(keys))
        return cls(dict.fromkeys(keys, quota))

    def state(self, key: str | None) -> str:
        """Return ``absent``, ``valid`` or ``wrong``."""
        if not key:
            return "absent"
        return (
            "valid" if any(secrets.compare_digest(key, item) for item in self.quotas) else "wrong"
        )

    def limit(self, key: str) -> int:
        """Return the products per hour of a valid key."""
        return self.quotas[key]

    def set_quota(self, key: str, quota: int) -> None:
        """Give a key another quota at once."""
        self.quotas[key] = quota

    def remaining(self, key: str) -> int:
        """Return how many more products may be downloaded this hour."""
        with self._lock:
            return max(0, self.quotas[key] - len(self._recent(key)))

    def use(self, key: str, product: str) -> bool:
        """Count a product, and return whether the quota allows it."""
        with self._lock:
            recent = self._recent(key)
            if product in recent:
                return True
            if len(recent) >= self.quotas[key]:
                return False
            recent[product] = self.clock()
            return True

    def _recent(self, key: str) -> dict[str, float]:
        since = self.clock() - HOUR
        kept = {name: when for name, when in self._used.get(key, {}).items() if when > since}
        self._used[key] = kept
        return kept

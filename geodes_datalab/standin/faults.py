"""Faults that can be switched on while the stand-in runs."""

from __future__ import annotations

import fnmatch
import random
import threading
from dataclasses import dataclass, field
from typing import Any

from geodes_datalab.errors import ConfigurationError

PATHS = {
    "any": ("*",),
    "stac": ("/api/stac*",),
    "search": ("/api/stac/search*", "/api/stac/items", "/api/stac/collections/*/items"),
    "collections": ("/api/stac/collections", "/api/stac/collections/paginate"),
    "download": ("/api/download/*",),
    "quicklook": ("/api/quicklook/*",),
    "availability": ("*availability*",),
    "quota": ("/processing/download/get",),
}
"""Short names for the paths that faults apply to; anything else is a pattern (`fnmatch`)."""

KINDS = ("status", "truncate", "slow", "redirect", "next", "cut")
FOREVER = -1


@dataclass
class Fault:
    """One rule: the first that applies to a request is used, and counts down."""

    kind: str
    """One of `KINDS`."""
    path: str = "any"
    """Short name of `PATHS`, or a pattern."""
    times: int = 1
    """How many requests it hits; -1 for all."""
    status: int = 500
    """Answer of kind ``status``."""
    retry_after: float | None = None
    """Seconds of the ``Retry-After`` header of kind ``status``."""
    seconds: float = 0.0
    """Delay of kind ``slow``."""
    share: float = 0.5
    """Part of the body that kind ``truncate`` sends before it cuts the connection."""
    probability: float = 1.0
    """Chance to hit, drawn from the seeded generator."""
    method: str | None = None
    """Only this HTTP method, when given."""

    def __post_init__(self) -> None:
        """Refuse unknown kinds."""
        if self.kind not in KINDS:
            raise ConfigurationError(
                f"no fault of kind {self.kind!r}", hint=f"choose one of {', '.join(KINDS)}"
            )

    def concerns(self, method: str, path: str) -> bool:
        """Return whether the rule is about this request."""
        patterns = PATHS.get(self.path, (self.path,))
        return self.method in (None, method) and any(
            fnmatch.fnmatchcase(path, pattern) for pattern in patterns
        )


@dataclass
class Faults:
    """The faults that are on; safe to change from another thread."""

    seed: int = 0
    """Start of the random generator, so that runs repeat."""
    _rules: list[Fault] = field(default_factory=list, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        """Seed the generator."""
        self._random = random.Random(self.seed)

    def add(self, fault: Fault) -> None:
        """Switch a fault on."""
        with self._lock:
            self._rules.append(fault)

    def fail(self, path: str = "any", *, status: int = 500, times: int = 1) -> None:
        """Answer the next requests with an error status."""
        self.add(Fault("status", path, times, status=status))

    def fail_randomly(self, path: str = "any", *, status: int = 500, probability: float) -> None:
        """Answer a share of the requests with an error status, from now on."""
        self.add(Fault("status", path, FOREVER, status=status, probability=probability))

    def rate_limit(
        self, path: str = "any", *, retry_after: float | None = 1, times: int = 1
    ) -> None:
        """Answer 429 with ``Retry-After`` (seconds)."""
        self.add(Fault("status", path, times, status=429, retry_after=retry_after))

    def truncate(self, path: str = "download", *, share: float = 0.5, times: int = 1) -> None:
        """Announce the full length, send a share of the body, and cut the connection."""
        self.add(Fault("truncate", path, times, share=share))

    def cut(self, path: str = "any", *, times: int = 1) -> None:
        """Close the connection without an answer."""
        self.add(Fault("cut", path, times))

    def slow(self, path: str = "any", *, seconds: float, times: int = FOREVER) -> None:
        """Wait before answering."""
        self.add(Fault("slow", path, times, seconds=seconds))

    def redirect_loop(self, path: str = "download", *, times: int = FOREVER) -> None:
        """Answer with a redirect to the same address, for ever."""
        self.add(Fault("redirect", path, times))

    def wrong_next(self, *, times: int = FOREVER) -> None:
        """Let the ``next`` link of search pages point to the page itself."""
        self.add(Fault("next", "search", times))

    def down(self) -> None:
        """Answer 503 to everything until `clear`."""
        self.add(Fault("status", "any", FOREVER, status=503))

    def clear(self) -> None:
        """Switch every fault off."""
        with self._lock:
            self._rules.clear()
            self._random.seed(self.seed)

    def take(self, method: str, path: str, *, kinds: tuple[str, ...] = KINDS) -> Fault | None:
        """Return the fault that hits this request, counting it down."""
        with self._lock:
            for rule in self._rules:
                if rule.kind not in kinds or not rule.concerns(method, path):
                    continue
                if rule.probability < 1 and self._random.random() >= rule.probability:
                    continue
                if rule.times != FOREVER:
                    rule.times -= 1
                    if rule.times == 0:
                        self._rules.remove(rule)
                return rule
        return None

    def __len__(self) -> int:
        """Return how many rules are on."""
        return len(self._rules)

    @property
    def rules(self) -> list[dict[str, Any]]:
        """The rules as plain values, for the control endpoint."""
        return [vars(rule).copy() for rule in self._rules]

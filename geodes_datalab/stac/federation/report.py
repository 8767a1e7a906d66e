"""What each catalogue answered to a search, and why some did not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from geodes_datalab._display import table
from geodes_datalab._language import gettext
from geodes_datalab.errors import (
    AuthenticationError,
    GeodesError,
    InvalidQuery,
    QuotaError,
    RateLimited,
    RequestError,
)

State: TypeAlias = Literal["ok", "partial", "failed", "skipped"]
"""``partial``: some items are missing; ``skipped``: it holds none of the collections."""

Kind: TypeAlias = Literal["", "auth", "quota", "timeout", "server", "refused", "unsupported"]
"""Why a catalogue failed."""


@dataclass(frozen=True)
class Answer:
    """What one catalogue answered."""

    source: str
    state: State
    matched: int | None = None
    """Items that it says it has."""
    returned: int = 0
    """Items that came."""
    seconds: float = 0.0
    kind: Kind = ""
    error: GeodesError | None = None
    """The first thing that went wrong."""
    notes: tuple[str, ...] = field(default=())
    """What was done beside: conditions that it cannot search by, and that were applied here."""

    def __str__(self) -> str:
        """Say it in one line."""
        parts = [f"{self.source}: {self.state}"]
        if self.state in ("ok", "partial"):
            of = f" of {self.matched}" if self.matched is not None else ""
            parts.append(f"{self.returned}{of} items in {self.seconds:.1f} s")
        if self.error is not None:
            parts.append(f"({self.kind}) {self.error.message}" if self.kind else self.error.message)
        return ", ".join([*parts, *self.notes])


class Report(Sequence[Answer]):
    """What all catalogues answered; a table in notebooks."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self._answers = tuple(answers)

    def __len__(self) -> int:
        """Return how many catalogues were asked."""
        return len(self._answers)

    def __getitem__(self, index: int | str) -> Answer:  # type: ignore[override]
        """Return an answer by its place, or by its catalogue."""
        if isinstance(index, str):
            return next(one for one in self._answers if one.source == index)
        return self._answers[index]

    def __iter__(self) -> Iterator[Answer]:
        """Iterate over the answers."""
        return iter(self._answers)

    @property
    def failed(self) -> list[Answer]:
        """Those that did not answer, or not wholly."""
        return [one for one in self if one.state in ("failed", "partial")]

    @property
    def is_complete(self) -> bool:
        """Whether each catalogue that holds the collections has answered wholly."""
        return not self.failed

    def __repr__(self) -> str:
        """Say each answer in a line."""
        return "\n".join(map(str, self))

    def _repr_html_(self) -> str:
        headers = (
            gettext("catalogue"), gettext("answer"), gettext("items"), gettext("seconds"), gettext("why"),
        )  # fmt: skip
        rows = [
            (
                one.source, one.state, f"{one.returned}" + (f" / {one.matched}" if one.matched is not None else ""),
                f"{one.seconds:.1f}",
                ", ".join([*([one.error.message] if one.error else []), *one.notes]) or "-",
            )
            for one in self
        ]  # fmt: skip
        return table(rows, headers)


def kind_of(error: GeodesError) -> Kind:
    """Tell what kind of failure an error is."""
    if isinstance(error, QuotaError | RateLimited):
        return "quota"
    if isinstance(error, AuthenticationError):
        return "auth"
    if isinstance(error, InvalidQuery):
        return "unsupported"
    if isinstance(error, RequestError):
        return "refused"
    return "timeout" if "in time" in error.message else "server"
